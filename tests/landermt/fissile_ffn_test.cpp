// The dense layer as a function of libtorch's autograd next to libtorch's own derivative of the formula, and windows of
// pairs next to the texts they are cut from.
#include <gtest/gtest.h>
#include <landermt/fissile_ffn.hpp>
#include <landermt/pair_windows.hpp>

namespace fissile::examples {
namespace {

TEST(ffn_function, has_the_gradients_of_the_formula_and_shows_the_neurons) {
  torch::manual_seed(1);
  const auto x = torch::randn({9, 12}).requires_grad_(), gate_up = torch::randn({40, 12}).requires_grad_(),
             down = torch::randn({12, 20}).requires_grad_(), slope = torch::randn({9, 12});
  torch::Tensor seen_hidden, seen_gradients;
  const auto keep = [](matrix_view<const float> numbers) {
    return torch::from_blob(const_cast<float*>(numbers.data()), {numbers.rows(), numbers.columns()}).clone();
  };
  const auto y = ffn_function::apply(x, gate_up, down, [&](auto hidden, auto gradients) {
    seen_hidden = keep(hidden);
    seen_gradients = keep(gradients);
  });
  const auto found = torch::autograd::grad({(y * slope).sum()}, {x, gate_up, down});

  const auto halves = torch::linear(x, gate_up).chunk(2, -1);
  const auto hidden = swiglu(halves[0], halves[1]);
  const auto plain = torch::linear(hidden, down);
  const auto expected = torch::autograd::grad({(plain * slope).sum()}, {x, gate_up, down, hidden});
  EXPECT_TRUE(torch::allclose(y, plain, 1e-4, 1e-4));
  for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(torch::allclose(found[i], expected[i], 1e-4, 1e-4)) << i;
  EXPECT_TRUE(torch::allclose(seen_hidden, hidden, 1e-4, 1e-4));
  EXPECT_TRUE(torch::allclose(seen_gradients, expected[3], 1e-4, 1e-4));
}

TEST(ffn_function, makes_the_models_own_logits) {
  torch::manual_seed(2);
  llama_module model{{.width = 16, .layers = 2, .heads = 2, .neurons = 32, .context = 24}};
  const auto tokens = torch::randint(0, byte_vocabulary, {1, 20});
  EXPECT_TRUE(torch::allclose(logits_of(model, tokens), model.forward(tokens)[0], 1e-4, 1e-4));
}

TEST(pair_stream, cuts_windows_and_counts_the_lines_that_are_asked_for) {
  const std::vector<guide::page> pages{{"de", "a.html", {"eins", "same"}, false},
                                       {"en", "a.html", {"one", "same"}, false},
                                       {"en", "b.html", {"held", "out"}, true}};
  const std::string text = "English: one\nGerman: eins\n";
  for (const predicted_lines lines : {predicted_lines::both, predicted_lines::second}) {
    const pair_stream stream{pages, {"en", "de"}, false, lines};
    const auto windows = stream.spread(1, length(text));
    ASSERT_EQ(windows.size(), 1u);
    EXPECT_EQ(windows[0].tokens.front(), end_of_text);
    EXPECT_EQ(std::string(windows[0].tokens.begin() + 1, windows[0].tokens.end()), text);
    EXPECT_EQ(windows[0].predicted(), lines == predicted_lines::both ? length(text) : 5);
    EXPECT_EQ(windows[0].counts.size() + 1, windows[0].tokens.size());
  }
}

TEST(pair_stream, gives_only_windows_that_have_something_to_predict) {
  const std::vector<guide::page> pages{{"de", "a.html", {"eins", "same"}, false},
                                       {"en", "a.html", {std::string(300, 'x'), "same"}, false}};
  const pair_stream stream{pages, {"en", "de"}, false, predicted_lines::second};
  random_source chance{1};
  for (int i = 0; i < 50; ++i) EXPECT_GT(stream.drawn(chance, 20).predicted(), 0);
  const auto windows = stream.spread(300, 20);
  EXPECT_LT(windows.size(), 300u);
  for (const pair_window& window : windows) EXPECT_GT(window.predicted(), 0);
  EXPECT_THROW(stream.spread(1, 20), std::runtime_error);  // the only one is cut from the first line
  EXPECT_THROW((pair_stream{pages, {"en", "de"}, true, predicted_lines::both}), std::runtime_error);
}

}  // namespace
}  // namespace fissile::examples
