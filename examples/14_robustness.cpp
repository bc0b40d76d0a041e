// Robustness transfer with the smallest language model there is, counts of pairs of bytes: noise in Spanish text, a
// model that reads it, and what Catalan and German gain from that.
#include <fissile/recipes/robustness.hpp>

#include <array>
#include <cmath>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>

namespace {

using namespace fissile;

const std::map<std::string, std::string, std::less<>> texts{
    {"es", "Este manual describe la instalación del sistema y contiene respuestas a las preguntas más frecuentes."},
    {"ca", "Aquest manual descriu la instal·lació del sistema i conté respostes a les preguntes més freqüents."},
    {"de", "Dieses Handbuch beschreibt die Installation des Systems und enthält Antworten auf die häufigsten Fragen."}};

/// How often a byte follows another.
class byte_pairs {
public:
  void learn(std::string_view text) {
    for (std::size_t i = 1; i < text.size(); ++i) ++count_[byte(text[i - 1])][byte(text[i])];
  }
  /// Bits per byte, every pair seen half a time more than it was.
  double loss(std::string_view text) const {
    double bits = 0;
    for (std::size_t i = 1; i < text.size(); ++i) {
      const auto& row = count_[byte(text[i - 1])];
      double all = 128;
      for (const int n : row) all += n;
      bits -= std::log2((row[byte(text[i])] + 0.5) / all);
    }
    return bits / static_cast<double>(text.size() - 1);
  }

private:
  static std::size_t byte(char c) { return static_cast<unsigned char>(c); }
  std::array<std::array<int, 256>, 256> count_{};
};

}  // namespace

int main() {
  // [noise]
  const robustness::choices chosen{.level = robustness::noise_level::multi, .characters = {.rate = 0.1}};
  random_source random{7};
  const robustness::noised_sample sample = robustness::noised(texts.at("es"), chosen, random);
  std::printf("%s\n", sample.text.c_str());
  // [noise]
  std::printf("characters struck: %d of %d\n", static_cast<int>(sample.characters.struck),
              static_cast<int>(sample.characters.places));

  byte_pairs before;
  for (int i = 0; i < 20; ++i) {
    for (const auto& [language, text] : texts) before.learn(text);
  }
  byte_pairs after = before;
  for (int i = 0; i < 20; ++i) after.learn(robustness::noised(texts.at("es"), chosen, random).text);

  // [transfer]
  for (const auto& [language, text] : texts) {
    random_source other{99};  // the same noise before and after, and not that of training
    const std::string noisy = robustness::noised(text, chosen, other).text;
    const robustness::transfer_entry entry{.trained = "es",
                                           .measured = language,
                                           .level = chosen.level,
                                           .before = {.clean = before.loss(text), .noised = before.loss(noisy)},
                                           .after = {.clean = after.loss(text), .noised = after.loss(noisy)}};
    std::printf("%s -> %s: transfer %+.2f, clean %+.2f, damage repaired %+.2f bits per byte\n", entry.trained.c_str(),
                entry.measured.c_str(), entry.transfer(), entry.clean_gain(), entry.repaired());
  }
  // [transfer]
}
