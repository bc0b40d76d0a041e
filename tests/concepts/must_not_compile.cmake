# A program that compiles, and with -DSHOULD_FAIL does not, for the reason its first lines name:
#   // expect: part of what the compiler says        (one or more such lines)
# cmake -DCOMPILER=g++ "-DFLAGS=-std=c++20;-Iinclude" -DFILE=x.cpp -P must_not_compile.cmake
cmake_minimum_required(VERSION 3.23)

set(ENV{LC_ALL} C)
file(STRINGS "${FILE}" expected REGEX "^// expect: ")
if(NOT expected)
  message(FATAL_ERROR "${FILE} names no message: begin it with // expect: ...")
endif()

execute_process(COMMAND ${COMPILER} ${FLAGS} -fsyntax-only "${FILE}" RESULT_VARIABLE failed ERROR_VARIABLE said)
if(failed)
  message(FATAL_ERROR "${FILE} must compile without SHOULD_FAIL:\n${said}")
endif()

execute_process(COMMAND ${COMPILER} ${FLAGS} -DSHOULD_FAIL -fsyntax-only "${FILE}"
                RESULT_VARIABLE failed ERROR_VARIABLE said)
if(NOT failed)
  message(FATAL_ERROR "${FILE} compiles with SHOULD_FAIL")
endif()
foreach(line IN LISTS expected)
  string(SUBSTRING "${line}" 11 -1 message) # after "// expect: "
  string(FIND "${said}" "${message}" found)
  if(found EQUAL -1)
    message(FATAL_ERROR "${FILE}: the compiler does not say\n  ${message}\nbut\n${said}")
  endif()
endforeach()
