# Programs that train a whole model with libtorch (Debian: libtorch-dev) around fissile's forward and backward. They are
# long to compile, so they are asked for by name.
set(CMAKE_MESSAGE_LOG_LEVEL WARNING) # Torch looks for much, and says so
find_package(Torch QUIET)
unset(CMAKE_MESSAGE_LOG_LEVEL)
set(FISSILE_TRAINS OFF)
if(Torch_FOUND AND CLI11_FOUND AND TARGET fissile::json)
  set(FISSILE_TRAINS ON)
else()
  message(STATUS "fissile: programs that train a model are skipped: they need Torch, CLI11 and nlohmann_json "
                 "(libtorch-dev libcli11-dev nlohmann-json3-dev)")
endif()

# Torch's own flags stay in this target, and its headers' warnings out of our build.
function(fissile_torch_program name source)
  if(NOT FISSILE_TRAINS)
    return()
  endif()
  add_executable(${name} EXCLUDE_FROM_ALL ${source})
  target_link_libraries(${name} PRIVATE fissile::json fissile_warnings fmt::fmt CLI11::CLI11 ${TORCH_LIBRARIES})
  separate_arguments(torch_flags UNIX_COMMAND "${TORCH_CXX_FLAGS}")
  target_compile_options(${name} PRIVATE ${torch_flags})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/examples)
  target_include_directories(${name} SYSTEM PRIVATE ${TORCH_INCLUDE_DIRS})
endfunction()

# A test that needs libtorch, likewise by name.
function(fissile_torch_test name source)
  if(NOT FISSILE_TRAINS OR NOT FISSILE_TESTS)
    return()
  endif()
  find_package(GTest REQUIRED)
  fissile_torch_program(${name} ${PROJECT_SOURCE_DIR}/tests/${source})
  target_link_libraries(${name} PRIVATE GTest::gtest_main)
endfunction()
