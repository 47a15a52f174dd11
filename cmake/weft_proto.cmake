# weft_protos(target): turns proto/**/*.proto into protobuf-c sources and a
# library.  The generated code is compiled without our warnings.
function(weft_protos target)
    file(GLOB_RECURSE protos CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/proto
        ${PROJECT_SOURCE_DIR}/proto/*.proto)
    set(out ${PROJECT_BINARY_DIR}/proto)
    file(MAKE_DIRECTORY ${out})
    foreach(p ${protos})
        string(REGEX REPLACE "\\.proto$" ".pb-c" base ${p})
        add_custom_command(OUTPUT ${out}/${base}.c ${out}/${base}.h
            COMMAND protoc-c --proto_path=${PROJECT_SOURCE_DIR}/proto --c_out=${out} ${p}
            DEPENDS ${PROJECT_SOURCE_DIR}/proto/${p} VERBATIM)
        list(APPEND generated ${out}/${base}.c)
    endforeach()
    add_library(${target} STATIC ${generated})
    target_compile_options(${target} PRIVATE -w)
    target_include_directories(${target} SYSTEM PUBLIC ${out})
    target_link_libraries(${target} PUBLIC PkgConfig::PROTOBUF_C)
endfunction()
