# Runs PROGRAM and compares what it prints with the file EXPECTED, line for line.
execute_process(COMMAND ${PROGRAM} OUTPUT_VARIABLE got RESULT_VARIABLE status)
file(READ ${EXPECTED} expected)
if(NOT status EQUAL 0 OR NOT got STREQUAL expected)
  message(FATAL_ERROR "${PROGRAM} ended with ${status} and printed\n${got}\nexpected was\n${expected}")
endif()
