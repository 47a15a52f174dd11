# weft_module(gossip DEPENDS proto msp net)
#
# One folder under src/ is one static library.  The suffix of a file says
# what it is; nothing has to be registered anywhere:
#     x.c x.h      the module            x_test.c   a test program, run by ctest
#     x_fuzz.c     a fuzz target         x_bench.c  a benchmark
#     x_main.c     a program
# DEPENDS is the whole list of folders it may include from.
# TSAN lists the tests (without _test) that `make check-tsan` runs too.
function(weft_module name)
    cmake_parse_arguments(M "" "" "DEPENDS;LIBS;TSAN" ${ARGN})
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.c)
    set(plain ${sources})
    list(FILTER plain EXCLUDE REGEX "_(test|fuzz|bench|main)\\.c$")
    add_library(weft_${name} STATIC ${plain})
    target_include_directories(weft_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
    list(TRANSFORM M_DEPENDS PREPEND weft_)
    target_link_libraries(weft_${name} PUBLIC ${M_DEPENDS} ${M_LIBS})

    foreach(file ${sources})
        get_filename_component(stem ${file} NAME_WE)
        if(stem MATCHES "_test$")
            weft_test(${stem} ${file} ${name})
            string(REGEX REPLACE "_test$" "" what ${stem})
            if(what IN_LIST M_TSAN)
                set_property(TEST ${name}/${stem} APPEND PROPERTY LABELS tsan)
            endif()
        elseif(stem MATCHES "_fuzz$")
            weft_fuzz_target(${stem} ${file} ${name})
        elseif(stem MATCHES "_main$")
            string(REGEX REPLACE "_main$" "" program ${stem})
            add_executable(${program} ${file})
            target_link_libraries(${program} PRIVATE weft_${name})
            set_target_properties(${program} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${WEFT_PROGRAM_DIR})
            install(TARGETS ${program} RUNTIME DESTINATION bin)
        elseif(stem MATCHES "_bench$")
            add_executable(${stem} EXCLUDE_FROM_ALL ${file})
            target_include_directories(${stem} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
            target_link_libraries(${stem} PRIVATE weft_${name} test_bench)
            set_target_properties(${stem} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench)
            target_compile_definitions(${stem} PRIVATE WEFT_SHARED_DIR="${WEFT_SHARED}"
                WEFT_TESTS_DIR="${PROJECT_SOURCE_DIR}/tests")
            add_dependencies(benches ${stem})
        endif()
    endforeach()
endfunction()

# One test program.  MODULE is the folder it belongs to.
function(weft_test stem file module)
    add_executable(${stem} ${file} ${PROJECT_SOURCE_DIR}/tests/weft_test.c)
    target_include_directories(${stem} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
    target_link_libraries(${stem} PRIVATE weft_${module} PkgConfig::CMOCKA)
    if(NOT module MATCHES "^(base|os|crypto|config|net|proto)$")
        target_link_libraries(${stem} PRIVATE test_chain)
    endif()
    target_compile_definitions(${stem} PRIVATE WEFT_SHARED_DIR="${WEFT_SHARED}"
        WEFT_TESTS_DIR="${PROJECT_SOURCE_DIR}/tests")
    set_target_properties(${stem} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
    add_test(NAME ${module}/${stem} COMMAND ${stem})
    set_tests_properties(${module}/${stem} PROPERTIES LABELS unit TIMEOUT 120)
endfunction()

# One fuzz target; without an engine it replays tests/corpus/<what>.
function(weft_fuzz_target stem file module)
    add_executable(${stem} ${file})
    target_include_directories(${stem} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
    target_link_libraries(${stem} PRIVATE weft_${module})
    set_target_properties(${stem} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
    string(REGEX REPLACE "_fuzz$" "" what ${stem})
    if(WEFT_FUZZ)
        target_link_options(${stem} PRIVATE -fsanitize=fuzzer)
    else()
        target_sources(${stem} PRIVATE ${PROJECT_SOURCE_DIR}/tests/fuzz_replay.c)
        add_test(NAME ${module}/${stem} COMMAND ${stem} ${PROJECT_SOURCE_DIR}/tests/corpus/${what})
        set_tests_properties(${module}/${stem} PROPERTIES LABELS corpus TIMEOUT 120)
    endif()
endfunction()
