// safetensors: files of named matrices, as Hugging Face stores models. Read them mapped and checked, one file or many
// with an index; write new ones whole or not at all.
#pragma once

#include <fissile/file/safetensors/listing.hpp>
#include <fissile/file/safetensors/reader.hpp>
#include <fissile/file/safetensors/sharded.hpp>
#include <fissile/file/safetensors/type.hpp>
#include <fissile/file/safetensors/writer.hpp>
