// A small LLaMA engine as anybody might have one, in the order in which a text passes through it.
// fissile comes in at one place: the feed_forward that a session is called with.
#pragma once

// the model: sizes from the keys of its file, every weight as a view; dense, or a mixture of experts
#include <engine/architecture.hpp>
#include <engine/mixture.hpp>
#include <engine/model.hpp>
#include <engine/model_frame.hpp>

// words: tokens as the file lists them, and the two ways of cutting a text into them
#include <engine/byte_pairs.hpp>
#include <engine/sentence_piece.hpp>
#include <engine/tokenizer.hpp>
#include <engine/vocabulary.hpp>

// the same model over panels: the one copy, for speed
#include <engine/packed_model.hpp>
#include <engine/packing.hpp>

// reading: one text, with what its layers do, dense or split into experts, borrowed or packed
#include <engine/arithmetic.hpp>
#include <engine/attention.hpp>
#include <engine/feed_forward.hpp>
#include <engine/session.hpp>

// writing: greedy text
#include <engine/generate.hpp>

// The backward pass, what the loss of a text asks of every component's outputs, is for analyses and stands apart:
// <engine/gradients.hpp>.
