#include "options.hpp"

#include <CLI/CLI.hpp>

namespace fissile::unravel {

void add_options(CLI::App& command, study_words& studied) {
  command.add_option("MODEL", studied.model, "a GGUF file of a LLaMA model [examples/models/babel.gguf]");
  command
      .add_option("--text", studied.texts,
                  "LANGUAGE=FILE, one for each language [8 languages: held-out pages of the Debian installation guide "
                  "where it is installed, else examples/texts]")
      ->allow_extra_args(false);
  command.add_option("--guide", studied.guide, "where the package installation-guide-amd64 was unpacked");
  command.add_option("--experts", studied.settings.experts, "in each layer")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("--active", studied.settings.active, "experts that count as used by a token [a quarter of them]")
      ->check(CLI::PositiveNumber);
  command
      .add_option("--bytes", studied.settings.bytes,
                  "of each language, to count and as many again to score [so that it takes two minutes]")
      ->check(CLI::PositiveNumber);
  command.add_option("--seed", studied.settings.seed, "of the random judge: this one and the next four")
      ->capture_default_str();
  command.add_option("--threads", studied.settings.threads, "[as many as there are cores]")->check(CLI::PositiveNumber);
  command.add_option("--out", studied.folder, "folder to write into")->capture_default_str();
}

void add_options(CLI::App& command, prune_words& pruned) {
  command.add_option("MODEL", pruned.model, "a GGUF file of a LLaMA model; with --verdict the one that was studied")
      ->required();
  command.add_option("--verdict", pruned.verdict, "a file of the study's verdicts/: removes the experts it names");
  command.add_option("--score", pruned.score,
                     "or prunes by the texts it reads: magnitude, wanda, wanda_ratio, sparsegpt or random");
  command.add_option("--text", pruned.texts, "LANGUAGE=FILE, may be repeated; its odd blocks are read [as study]")
      ->allow_extra_args(false);
  command.add_option("--guide", pruned.guide, "where the package installation-guide-amd64 was unpacked");
  command.add_option("--against", pruned.against, "LANGUAGE=FILE, what wanda_ratio divides by; may be repeated")
      ->allow_extra_args(false);
  command.add_option("--rate", pruned.rate, "share that goes, of each row's weights, or of neurons or experts");
  command.add_option("--nm", pruned.groups, "N:M instead: N of every M weights go");
  prune_plan& plan = pruned.plan;
  command.add_flag_callback(
      "--neurons", [&plan] { plan.unit = removed_unit::neurons; }, "whole neurons go: the file gets smaller");
  command.add_option("--experts", plan.experts, "whole experts go, of so many in each layer")
      ->check(CLI::PositiveNumber);
  command.add_flag_callback(
      "--sequential", [&plan] { plan.pass = pruning_pass::sequential; },
      "each layer is judged by what the pruned ones before it hand on");
  command.add_flag_callback(
      "--refit", [&plan] { plan.refit = refitting::down; }, "down is fitted anew for neurons that went");
  command.add_flag_callback(
      "--feed-forward-only", [&plan] { plan.reach = pruned_reach::feed_forward; }, "weights of attention stay");
  command
      .add_option("--budget", pruned.budget,
                  "what each layer gives up: uniform, owl (less the more outliers), level (less the more goes on)")
      ->capture_default_str();
  command.add_option("--per", pruned.per, "of owl: block, or matrix")->capture_default_str();
  command.add_option("--lambda", plan.budget.lambda, "rates of layers lie within rate +- lambda")
      ->capture_default_str();
  command.add_option("--above", plan.budget.multiple, "of owl: outliers are scores above so many times their mean")
      ->capture_default_str();
  command.add_option("--bytes", pruned.bytes, "read of each text")->check(CLI::PositiveNumber)->capture_default_str();
  command
      .add_option("--scored-bytes", pruned.scored_bytes,
                  "of each text's even blocks: bits per byte before and after [none]")
      ->check(CLI::PositiveNumber);
  command.add_option("--seed", plan.seed, "of --score random")->capture_default_str();
  command
      .add_option("--widths", pruned.widths,
                  "of layers that are left unequal: padded to the widest, equal (or refused), or deci, llama.cpp's "
                  "architecture with a width for each layer")
      ->capture_default_str();
  command.add_option("--json", pruned.json, "a file to write the layers' report into");
  command.add_option("--imatrix", pruned.imatrix, "an importance matrix, what others have measured, in place of texts");
  command.add_option("--save-imatrix", pruned.save_imatrix, "a file for what the texts measure, as llama.cpp reads it");
  command.add_option("--out", pruned.target, "the GGUF file to write")->required();
}

void add_options(CLI::App& command, convert_words& asked) {
  command.add_option("IN", asked.model, "a GGUF file of a dense model: LLaMA, Mistral or Qwen3")->required();
  command.add_option("OUT", asked.target, "the GGUF file to write, or a folder with --target hf")->required();
  command.add_option("--experts", asked.experts, "in each layer, of equal size")
      ->required()
      ->check(CLI::PositiveNumber);
  command.add_option("--active", asked.active, "of them, for each token")->required()->check(CLI::PositiveNumber);
  command
      .add_option("--shared", asked.shared,
                  "of them, for every token, beside the active ones: written as glm4moe, whose scale is right for any "
                  "number of active experts")
      ->check(CLI::PositiveNumber);
  command
      .add_option("--partition", asked.partition,
                  "which neurons work together: even, shuffled, clusters, coactivation, markers, importance or "
                  "FILE.json")
      ->capture_default_str();
  command.add_option("--imatrix", asked.imatrix, "an importance matrix, for --partition importance");
  command.add_option("--router", asked.router,
                     "zero (where all are active), analytic, distilled, or FILE.gguf of unravel distil [zero where all "
                     "are active, else distilled]");
  command.add_option("--target", asked.kind, "llama.cpp or hf")->capture_default_str();
  command.add_option("--down", asked.down, "write down weights as f32, f16, bf16 or q8_0 [as they are stored]");
  command.add_option("--text", asked.texts, "LANGUAGE=FILE, may be repeated: what routers learn from [as study]")
      ->allow_extra_args(false);
  command.add_option("--guide", asked.guide, "where the package installation-guide-amd64 was unpacked");
  command.add_option("--bytes", asked.bytes, "of each text to learn from, and as many again to score [8192]")
      ->check(CLI::PositiveNumber);
  command.add_option("--spread", asked.logit_spread, "standard deviation of the scores in the file, at most [1/256]")
      ->check(CLI::PositiveNumber);
  command.add_option("--steps", asked.steps, "of learning, a layer")->check(CLI::PositiveNumber)->capture_default_str();
  command.add_option("--seed", asked.seed, "of shuffled neurons, clusters and learning")->capture_default_str();
  command.add_option("--json", asked.json, "a file to write the report into");
}

void add_options(CLI::App& command, analyse_words& asked) {
  analyse_settings& chosen = asked.settings;
  command.add_option("MODEL", asked.model, "a GGUF file of a dense LLaMA model [examples/models/babel.gguf]");
  command.add_option("--text", asked.texts, "LANGUAGE=FILE, a paragraph a line, one for each language [as study]")
      ->allow_extra_args(false);
  command.add_option("--guide", asked.guide, "where the package installation-guide-amd64 was unpacked");
  command.add_flag_callback(
      "--parallel", [&chosen] { chosen.order = line_order::parallel; },
      "line i of each text translates line i of the others [without --text: the guide's pages that do]");
  command.add_option("--windows", chosen.windows, "lines read of each text, at most, spread evenly over it")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command
      .add_option("--silenced", chosen.silenced,
                  "neurons drawn to be silenced one by one, beside what gradients say of them")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command.add_option("--silenced-windows", chosen.silenced_windows, "lines of each text that are read so, at most")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("--seed", chosen.seed, "of the neurons drawn")->capture_default_str();
  command.add_option("--threads", chosen.threads, "[as many as there are cores]")->check(CLI::PositiveNumber);
  command.add_option("--out", asked.folder, "folder to write into")->capture_default_str();
}

void add_options(CLI::App& command, distil_words& learned) {
  distil_plan& plan = learned.plan;
  command.add_option("MODEL", learned.model, "a GGUF file of a LLaMA model [examples/models/babel.gguf]");
  command.add_option("--text", learned.texts, "LANGUAGE=FILE, one for each language [as study]")
      ->allow_extra_args(false);
  command.add_option("--guide", learned.guide, "where the package installation-guide-amd64 was unpacked");
  command.add_option("--experts", plan.experts, "in each layer")->check(CLI::PositiveNumber)->capture_default_str();
  command.add_option("--threshold", learned.threshold, "above which an expert works")->capture_default_str();
  command.add_option("--target-active", plan.shares, "share of active experts to learn for, may be repeated")
      ->allow_extra_args(false)
      ->capture_default_str();
  command.add_flag_callback(
      "--with-experts",
      [&plan] {
        plan.pupils = {taught::routers, taught::experts_too};
      },
      "once more with experts that learn, too");
  command.add_option("--steps", plan.fit.steps, "of learning, a layer")->capture_default_str();
  command.add_option("--batch", plan.fit.batch, "tokens of a step")->capture_default_str();
  command.add_option("--router-rate", plan.fit.router_rate, "of Adam, at first")->capture_default_str();
  command.add_option("--expert-rate", plan.expert_rate, "the same for experts that learn")->capture_default_str();
  command.add_option("--learned-bytes", plan.learned_bytes, "of each language, from its odd blocks")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("--scored-bytes", plan.scored_bytes, "of each language, from its even blocks")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("--seed", plan.seed, "of rows, batches and lots")->capture_default_str();
  command.add_option("--threads", plan.threads, "[as many as there are cores]")->check(CLI::PositiveNumber);
  command.add_option("--save-every", plan.save_every, "steps, in FILE.state")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("--out", learned.target, "the file to write routers into")->required();
  command.add_option("--resume", learned.resume, "FILE.state of a run that was stopped");
  command.add_option("--json", learned.json, "a file to write the rows into");
  command.add_option("--figure", learned.figure, "an SVG file to draw the curve into");
}

void add_options(CLI::App& command, speed_words& timed) {
  command.add_option("MODEL", timed.model, "a GGUF file of a LLaMA model [examples/models/babel.gguf]");
  command.add_option("--synthetic", timed.synthetic,
                     "instead of a file, random weights of this shape: tinyllama (4 GB of memory as bf16)");
  command.add_option("--experts", timed.experts, "in each layer")->check(CLI::PositiveNumber)->capture_default_str();
  command.add_option("--threads", timed.threads, "[as many as there are cores]")->check(CLI::PositiveNumber);
  command.add_option("--element", timed.element,
                     "what weights are packed as: float, bf16, f16, int8 or bf16_dot [float; bf16 if synthetic]");
  command.add_option("--seconds", timed.seconds, "for each row, at least")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command.add_option("--prompt", timed.prompt, "tokens")->check(CLI::PositiveNumber)->capture_default_str();
  command.add_option("--seed", timed.seed, "of the experts drawn, and of synthetic weights")->capture_default_str();
  command.add_option("--text", timed.texts,
                     "LANGUAGE=FILE, may be repeated: also tells what packing costs in bits per byte");
  command.add_option("--json", timed.json, "a file to write the rows into");
}

void add_options(CLI::App& command, gated_words& gated) {
  command.add_option("MODEL", gated.model, "a GGUF file that train_dsmoe saved")->required();
  command.add_option("--text", gated.texts, "LANGUAGE=FILE, may be repeated; its even blocks are read [as study]")
      ->allow_extra_args(false);
  command.add_option("--guide", gated.guide, "where the package installation-guide-amd64 was unpacked");
  command.add_option("--threshold", gated.thresholds, "of the gates, may be repeated [that of the training]")
      ->allow_extra_args(false);
  command.add_option("--bytes", gated.bytes, "read of each text")->check(CLI::PositiveNumber)->capture_default_str();
  command.add_option("--element", gated.element, "what weights are packed as: float, bf16, f16, int8 or bf16_dot")
      ->capture_default_str();
  command.add_option("--threads", gated.threads, "[as many as there are cores]")->check(CLI::PositiveNumber);
  command.add_option("--prompt", gated.prompt, "tokens")->check(CLI::PositiveNumber)->capture_default_str();
  command.add_option("--seconds", gated.seconds, "for each row of the speeds, at least")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command.add_option("--json", gated.json, "a file to write all figures into");
  command.add_option("--figure", gated.figure, "an SVG file for the map of layers and languages");
}

}  // namespace fissile::unravel
