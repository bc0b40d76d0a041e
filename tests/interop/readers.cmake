# Every kind of file that is written is read by readers of other people: Hugging Face's of GGUF, forty lines of Python of
# safetensors, and an unmodified llama.cpp, which has to say of smaller and split models what our engine says.
#
# What needs node looks into the folder that FISSILE_NODE_FOLDER names in the environment, where
# `npm install @huggingface/gguf node-llama-cpp` has run. What is missing skips its test and says so.
find_program(FISSILE_NODE node)
find_program(FISSILE_PYTHON python3)

# interop.readers.<name>: runs a script on a folder that the fixture interop.readers.<fixture> has written.
function(fissile_reader name program script fixture)
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/readers/${fixture})
  if(${program})
    add_test(NAME interop.readers.${name} COMMAND ${${program}} ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/${script} ${folder})
  else()
    add_test(NAME interop.readers.${name} COMMAND ${CMAKE_COMMAND} -E echo "SKIPPED: no ${program} on this machine")
  endif()
  set_tests_properties(interop.readers.${name} PROPERTIES LABELS interop TIMEOUT 600 FIXTURES_REQUIRED reader_${fixture}
    SKIP_RETURN_CODE 77 SKIP_REGULAR_EXPRESSION "SKIPPED: ")
endfunction()

add_executable(readers_write ${CMAKE_CURRENT_LIST_DIR}/readers_write.cpp)
target_link_libraries(readers_write PRIVATE fissile::fissile fissile::json fissile_warnings GTest::gtest)
add_test(NAME interop.readers.write_files COMMAND readers_write ${CMAKE_CURRENT_BINARY_DIR}/readers/files)
set_tests_properties(interop.readers.write_files PROPERTIES LABELS interop FIXTURES_SETUP reader_files)
fissile_reader(gguf FISSILE_NODE readers_gguf.mjs files)
fissile_reader(safetensors FISSILE_PYTHON readers_safetensors.py files)

if(TARGET unravel_parts AND FISSILE_SHARED_DIR)
  add_executable(readers_models ${CMAKE_CURRENT_LIST_DIR}/readers_models.cpp)
  target_link_libraries(readers_models PRIVATE unravel_parts fissile_warnings)
  add_test(NAME interop.readers.write_models
    COMMAND readers_models ${FISSILE_SHARED_DIR}/models/stories260K.gguf ${CMAKE_CURRENT_BINARY_DIR}/readers/models)
  set_tests_properties(interop.readers.write_models PROPERTIES LABELS interop FIXTURES_SETUP reader_models)
  fissile_reader(llama_cpp FISSILE_NODE readers_llama.mjs models)
endif()
