// Importance by component: the sums of neurons, components and layers are the plain ones, in every reading.
#include <fissile/detect/component_importance.hpp>

#include "file/temporary.hpp"
#include "support/random_ffn.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace fissile {
namespace component_importance_tests {

using testing::message_of;
using scale = importance_reading::scale;

const std::vector<importance_reading> readings{{summed_by::sample, scale::sum},
                                               {summed_by::sample, scale::per_token},
                                               {summed_by::total, scale::sum},
                                               {summed_by::total, scale::per_token}};

component_settings small() {
  return {.labels = {"de", "en"},
          .layers = 2,
          .components = {{.name = "query", .neurons = 3}, {.name = "hidden", .neurons = 5}}};
}

/// A model of random components, and outputs and gradients of each for both labels.
struct random_model {
  explicit random_model(std::uint64_t seed) : random{seed} {
    settings = {.labels = {"de", "en"}, .layers = 1 + random.below(3), .components = {}, .corpus = "guide"};
    for (const char* name : {"query", "key", "hidden"}) {
      settings.components.push_back({.name = name, .neurons = 1 + random.below(7)});
    }
    tokens = 1 + random.below(12);
    const index_t cells = 2 * settings.layers * 3;
    for (index_t cell = 0; cell < cells; ++cell) {
      const index_t count = tokens * settings.components[to_size(cell % 3)].neurons;
      outputs.push_back(testing::random_numbers<float>(random, count));
      gradients.push_back(testing::random_numbers<double>(random, count));
    }
  }
  std::size_t cell(index_t label, index_t layer, index_t component) const {
    return to_size((label * settings.layers + layer) * 3 + component);
  }
  /// All tokens from `first` on, `count` of them, of every cell.
  void feed(component_importance& into, index_t first, index_t count) const {
    for (index_t label = 0; label < 2; ++label) {
      for (index_t layer = 0; layer < settings.layers; ++layer) {
        for (index_t part = 0; part < 3; ++part) {
          const component_shape& shape = settings.components[to_size(part)];
          const std::size_t at = cell(label, layer, part);
          into.add(label, {layer, shape.name},
                   matrix_view<const float>{outputs[at].data(), tokens, shape.neurons}.rows(first, count),
                   matrix_view<const double>{gradients[at].data(), tokens, shape.neurons}.rows(first, count));
        }
      }
    }
  }
  /// Phi of one neuron, as plainly as it can be written.
  double phi(std::size_t at, index_t neurons, index_t j, importance_reading reading) const {
    double sum = 0;
    for (index_t t = 0; t < tokens; ++t) {
      const std::size_t i = to_size(t * neurons + j);
      const double change = static_cast<double>(outputs[at][i]) * gradients[at][i];
      sum += reading.how == summed_by::sample ? std::abs(change) : change;
    }
    return std::abs(sum) / (reading.by == scale::per_token ? static_cast<double>(tokens) : 1.0);
  }

  random_source random;
  component_settings settings;
  index_t tokens;
  std::vector<std::vector<float>> outputs;     // [cells][tokens x neurons]
  std::vector<std::vector<double>> gradients;  // the same
};

TEST(component_importance, equals_the_plain_sums_of_neurons_components_and_layers) {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    const random_model model{seed};
    component_importance found{model.settings};
    model.feed(found, 0, model.tokens);
    for (const importance_reading reading : readings) {
      for (index_t label = 0; label < 2; ++label) {
        for (index_t layer = 0; layer < model.settings.layers; ++layer) {
          double of_layer = 0;
          for (index_t part = 0; part < 3; ++part) {
            const auto& [name, neurons] = model.settings.components[to_size(part)];
            const std::vector<double> scores = found.of_neurons(label, {layer, name}, reading);
            ASSERT_EQ(length(scores), neurons);
            double of_component = 0;
            for (index_t j = 0; j < neurons; ++j) {
              const double phi = model.phi(model.cell(label, layer, part), neurons, j, reading);
              ASSERT_NEAR(scores[to_size(j)], phi, 1e-12);
              of_component += phi;
            }
            ASSERT_NEAR(found.of_component(label, {layer, name}, reading), of_component, 1e-12);
            of_layer += of_component;
          }
          ASSERT_NEAR(found.of_layer(label, layer, reading), of_layer, 1e-12);
        }
      }
    }
    EXPECT_EQ(found.of({0, "key"}).tokens("en"), static_cast<std::uint64_t>(model.tokens));
  }
}

TEST(component_importance, pieces_change_no_bit_and_merging_equals_one_pass) {
  for (std::uint64_t seed = 50; seed < 70; ++seed) {
    const random_model model{seed};
    component_importance whole{model.settings}, pieces = whole, first = whole, second = whole;
    model.feed(whole, 0, model.tokens);
    for (index_t token = 0; token < model.tokens; ++token) model.feed(pieces, token, 1);
    EXPECT_EQ(pieces, whole);
    const index_t half = (model.tokens + 1) / 2;
    model.feed(first, 0, half);
    model.feed(second, half, model.tokens - half);
    EXPECT_NE(second, whole);
    first.merge(second);
    for (const importance_reading reading : readings) {
      for (index_t layer = 0; layer < model.settings.layers; ++layer) {
        EXPECT_NEAR(first.of_layer("en", layer, reading), whole.of_layer("en", layer, reading), 1e-12);
      }
    }
    EXPECT_EQ(first.of({0, "hidden"}).tokens("de"), whole.of({0, "hidden"}).tokens("de"));
  }
}

TEST(component_importance, merging_keeps_the_names_of_all_corpora) {
  component_settings settings = small();
  settings.corpus = "news";
  component_importance news{settings};
  settings.corpus = "guide";
  news.merge(component_importance{settings});
  EXPECT_EQ(news.corpus(), "guide + news");
}

TEST(component_importance, what_is_no_number_is_counted_and_left_out) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  component_importance found{small()};
  const std::vector<float> outputs{nan, 2, 3}, gradients{1, infinity, -2};
  found.add("en", {1, "query"}, matrix_view{outputs.data(), 1, 3}, matrix_view{gradients.data(), 1, 3});
  EXPECT_EQ(found.tokens("en", 1), 1u);
  EXPECT_EQ(found.tokens("en", 0), 0u);
  EXPECT_EQ(found.undefined("en"), 2u);
  EXPECT_EQ(found.undefined("de"), 0u);
  EXPECT_EQ(found.of_neurons("en", {1, "query"}), (std::vector<double>{0, 0, 6}));
  EXPECT_EQ(found.of_layer("en", 1), 6);
  EXPECT_EQ(found.of_layer("en", 0, {.by = scale::per_token}), 0) << "nothing was added there";
}

TEST(component_importance, refuses_what_cannot_be) {
  const auto refusal_of = [](auto change) {
    component_settings settings = small();
    change(settings);
    return message_of<setting_error>([&] { component_importance{settings}; });
  };
  EXPECT_EQ(refusal_of([](component_settings& s) { s.layers = 0; }),
            "component_importance: layers: expected at least 1, got 0");
  EXPECT_EQ(refusal_of([](component_settings& s) { s.labels.clear(); }),
            "component_importance: labels: expected at least one label, none empty, each once, got none");
  EXPECT_EQ(refusal_of([](component_settings& s) { s.components.clear(); }),
            "component_importance: components: expected at least one, got none");
  EXPECT_EQ(refusal_of([](component_settings& s) { s.components[1].name = "query"; }),
            "component_importance: components: expected each once, got query twice");
  EXPECT_EQ(refusal_of([](component_settings& s) { s.components[1].name = ""; }),
            "component_importance: components: expected names, got an empty one");
  EXPECT_EQ(refusal_of([](component_settings& s) { s.components[1].neurons = 0; }),
            "component_importance: hidden: expected at least 1 neuron, got 0");
  const component_importance found{small()};
  EXPECT_EQ(message_of<setting_error>([&] {
              found.of({2, "query"});
            }),
            "component_importance: layer: expected from 0 to 1, got 2");
  EXPECT_EQ(message_of<setting_error>([&] {
              found.of_component("en", {0, "value"});
            }),
            "component_importance: component: expected one of query, hidden, got \"value\"");
  EXPECT_EQ(message_of<setting_error>([&] { found.of_layer("fr", 0); }),
            "label: expected one of de, en, got \"fr\"; labels are fixed when counts are made");
}

TEST(component_importance, a_merge_that_is_refused_changes_nothing) {
  component_importance found{small()};
  const component_importance before = found;
  component_settings other = small();
  other.components[1].neurons = 6;
  EXPECT_EQ(message_of<shape_error>([&] { found.merge(component_importance{other}); }),
            "component_importance::merge: expected 2 labels, 2 layers of 2 components, the same ones, got 2 labels, 2 "
            "layers of 2 components");
  EXPECT_EQ(found, before);
}

}  // namespace component_importance_tests
}  // namespace fissile
