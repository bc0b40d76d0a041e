// count_mpi: which experts work for which language, counted on many machines.
//
//   mpirun -n 4 count_mpi MODEL.gguf --text en=FILE --text de=FILE --out counts.json
//
// Every rank counts its shard of the texts, MPI adds the counts up, rank 0 writes them. The file is the same, byte for
// byte, for any number of ranks.
#include "ranks.hpp"
#include "shard_counter.hpp"

#include <fissile/file/counts_json.hpp>

#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <filesystem>

namespace {

using namespace fissile;
using namespace fissile::count_mpi;

struct count_words {
  std::string model, out;
  std::vector<std::string> texts;
  index_t experts = 48, active = 12;
};

/// FNV-1a of sizes and names: whether all machines were given the same.
std::uint64_t fingerprint(const engine::model<float>& weights, const corpus_pieces& texts, const count_words& asked) {
  std::string seen = std::to_string(std::filesystem::file_size(weights.file().path()));
  for (const index_t size : {weights.sizes().width, weights.sizes().layers, asked.experts, asked.active}) {
    seen += " " + std::to_string(size);
  }
  for (const labelled_file& text : texts.texts()) seen += " " + text.label + " " + std::to_string(text.file.size());
  std::uint64_t hash = 14695981039346656037u;
  for (const char letter : seen) hash = (hash ^ static_cast<unsigned char>(letter)) * 1099511628211u;
  return hash;
}

/// Before hours of counting, not after them.
void check_target(const std::string& file) {
  const std::filesystem::path folder = std::filesystem::absolute(file).parent_path();
  if (std::filesystem::is_directory(folder)) return;
  fail<file_error>({.argument = "--out", .expected = "a file in a folder that exists", .got = file});
}

void run(const ranks& all, const count_words& asked) {
  const shard mine = all.mine();
  if (mine.number == 0) check_target(asked.out);
  std::vector<labelled_file> files;
  for (const std::string& text : asked.texts) files.push_back(labelled_file_of(text));
  const corpus_pieces texts{std::move(files)};
  const engine::model<float> weights{asked.model};
  std::string corpus;
  for (const labelled_file& text : texts.texts()) corpus += (corpus.empty() ? "" : ", ") + text.file.path();
  shard_counter counter{weights, {.experts = asked.experts, .active = asked.active, .corpus = corpus}};
  all.agree(fingerprint(weights, texts, asked), "model, texts and settings");

  const piece_range range = share_of(mine, texts.pieces());
  std::fprintf(stderr, "count_mpi: rank %td of %td counts pieces %td to %td of %td\n", mine.number, mine.of,
               range.first, range.last, texts.pieces());
  // [count and sum]
  activation_counts counts = counter.count(texts, mine);
  all.sum_on_first(counts);
  if (mine.number == 0) write_counts_json(asked.out, counts);  // whole or not at all
  // [count and sum]
}

}  // namespace

int main(int count, char** words) {
  const ranks all{count, words};
  CLI::App app{"Counts which experts work for which language, on as many machines as MPI gives."};
  count_words asked;
  app.add_option("MODEL", asked.model, "a GGUF file")->required();
  app.add_option("--text", asked.texts, "LANGUAGE=FILE, once for each language")->required();
  app.add_option("--out", asked.out, "JSON file for the counts")->required();
  app.add_option("--experts", asked.experts, "of each layer")->capture_default_str();
  app.add_option("--active", asked.active, "experts that a token chooses")->capture_default_str();
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& problem) {
    return all.mine().number == 0 ? app.exit(problem) : problem.get_exit_code();
  }
  try {
    run(all, asked);
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "count_mpi: rank %td: %s\n", all.mine().number, problem.what());
    ranks::abort(1);
  }
  return 0;
}
