# Converts the model of examples/ and runs it: cmake -DNODE=... -DUNRAVEL=... -DLOGITS=... -DEXAMPLES=... -DFOLDER=... -P
set(script ${CMAKE_CURRENT_LIST_DIR}/llama_cpp.mjs)
set(model ${EXAMPLES}/models/babel.gguf)
file(REMOVE_RECURSE ${FOLDER})
file(MAKE_DIRECTORY ${FOLDER})

function(run)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${FOLDER} RESULT_VARIABLE result OUTPUT_VARIABLE out ERROR_VARIABLE out)
  message("${out}")
  set(result "${result}" PARENT_SCOPE)
  if(NOT result EQUAL 0 AND NOT result EQUAL 77)
    message(FATAL_ERROR "${ARGN} ended with ${result}")
  endif()
endfunction()

# Where the package was installed, the environment or the current folder tells; before any work.
execute_process(COMMAND ${NODE} ${script} runs ${model} RESULT_VARIABLE result OUTPUT_VARIABLE out ERROR_VARIABLE out)
message("${out}")
if(result EQUAL 77)
  return()
endif()
run(${UNRAVEL} convert ${model} all.gguf --experts 4 --active 4)
run(${NODE} ${script} text ${model} all.gguf)
run(${UNRAVEL} convert ${model} some.gguf --experts 16 --active 4 --router analytic
    --text en=${EXAMPLES}/texts/en.txt --bytes 2048)
run(${LOGITS} some.gguf ${EXAMPLES}/texts/de.txt some)
run(${NODE} ${script} logits some.gguf some)
