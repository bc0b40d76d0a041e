# Converted files in the llama.cpp that the npm package node-llama-cpp brings along; skipped where node or the package
# is not there. FISSILE_NODE_FOLDER: the folder in which the package was installed.
find_program(FISSILE_NODE node)
add_executable(engine_logits ${CMAKE_CURRENT_LIST_DIR}/engine_logits.cpp)
target_link_libraries(engine_logits PRIVATE fissile::engine fissile_warnings)

if(FISSILE_NODE)
  add_test(NAME interop.llama_cpp
    COMMAND ${CMAKE_COMMAND} -DNODE=${FISSILE_NODE} -DUNRAVEL=$<TARGET_FILE:unravel>
            -DLOGITS=$<TARGET_FILE:engine_logits> -DEXAMPLES=${PROJECT_SOURCE_DIR}/examples
            "-DSHARED=${FISSILE_SHARED_DIR}" -DFOLDER=${CMAKE_CURRENT_BINARY_DIR}/llama_cpp
            -P ${CMAKE_CURRENT_LIST_DIR}/llama_cpp_check.cmake)
  set_tests_properties(interop.llama_cpp PROPERTIES LABELS interop TIMEOUT 900 SKIP_REGULAR_EXPRESSION "skipped: ")
endif()
