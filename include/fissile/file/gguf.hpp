// GGUF version 3, the file kind of llama.cpp: read from a map with every bound checked, written whole or not at all.
#pragma once

#include <fissile/file/gguf/q8_0.hpp>    // the one block-quantised type that is widened here
#include <fissile/file/gguf/reader.hpp>  // gguf_file: keys, tensors, views that borrow
#include <fissile/file/gguf/split.hpp>   // gguf_model: one file or the parts of a split one
#include <fissile/file/gguf/type.hpp>    // the number types of tensors and their sizes
#include <fissile/file/gguf/value.hpp>   // the thirteen kinds of metadata values
#include <fissile/file/gguf/writer.hpp>  // gguf_writer: new files, or changed copies of old ones
