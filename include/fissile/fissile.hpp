// fissile: splits the feed-forward layers of a trained transformer into experts and runs only those a token needs.
// This file is the table of contents; the floors stand in the order the data goes. Files, reports and neighbours
// (fissile/file/, fissile/report/, fissile/with/) are included by those who use them.
#pragma once

#include <fissile/version.hpp>

// base: numbers, views, errors, portable random, lent threads
#include <fissile/base/contract.hpp>
#include <fissile/base/element.hpp>
#include <fissile/base/executor.hpp>
#include <fissile/base/random.hpp>
#include <fissile/base/thread_pool.hpp>
#include <fissile/base/utf8.hpp>
#include <fissile/base/view.hpp>

// weights: the user's layer, borrowed; activations; the dense reference and the distance from it
#include <fissile/weights/activations.hpp>
#include <fissile/weights/dense_ffn.hpp>
#include <fissile/weights/exactness.hpp>
#include <fissile/weights/ffn_weights.hpp>
#include <fissile/weights/owned_ffn.hpp>
#include <fissile/weights/stacked_ffn_weights.hpp>
#include <fissile/weights/unit_rows.hpp>

// partition: which neurons form an expert
#include <fissile/partition/activation_markers.hpp>
#include <fissile/partition/balanced_clusters.hpp>
#include <fissile/partition/borrowed_experts.hpp>
#include <fissile/partition/by_importance.hpp>
#include <fissile/partition/clusters_of_points.hpp>
#include <fissile/partition/coactivation_graph.hpp>
#include <fissile/partition/even_slices.hpp>
#include <fissile/partition/importance_split.hpp>
#include <fissile/partition/marker_clusters.hpp>
#include <fissile/partition/overlapping_experts.hpp>
#include <fissile/partition/partition.hpp>
#include <fissile/partition/partitioner.hpp>
#include <fissile/partition/shuffled.hpp>

// pack: the one copy in the library, experts as panels that run at the speed of the memory
#include <fissile/pack/pack.hpp>
#include <fissile/pack/packed_matrix.hpp>

// route: which experts a token goes to
#include <fissile/route/above.hpp>
#include <fissile/route/analytic_scorer.hpp>
#include <fissile/route/centroid_scorer.hpp>
#include <fissile/route/decorators.hpp>
#include <fissile/route/dynamic_k.hpp>
#include <fissile/route/linear_scorer.hpp>
#include <fissile/route/mlp_scorer.hpp>
#include <fissile/route/one_plus.hpp>
#include <fissile/route/oracle_scorer.hpp>
#include <fissile/route/packed_scorer.hpp>
#include <fissile/route/router.hpp>
#include <fissile/route/squashes.hpp>
#include <fissile/route/top_k.hpp>
#include <fissile/route/top_p.hpp>
#include <fissile/route/workspace.hpp>

// run: the chosen experts, and only those
#include <fissile/run/activation_thresholds.hpp>
#include <fissile/run/mean_replacement.hpp>
#include <fissile/run/observer.hpp>
#include <fissile/run/sparse_ffn.hpp>
#include <fissile/run/thresholded_ffn.hpp>

// count: which experts work for which language
#include <fissile/count/activation_counts.hpp>
#include <fissile/count/adjusted_rand.hpp>
#include <fissile/count/clustering.hpp>
#include <fissile/count/coactivation_counts.hpp>
#include <fissile/count/expert_set.hpp>
#include <fissile/count/firing_rates.hpp>
#include <fissile/count/load.hpp>
#include <fissile/count/similarity.hpp>
#include <fissile/count/stability.hpp>
#include <fissile/count/text_measure.hpp>

// detect: which features and neurons stand out
#include <fissile/detect/component_importance.hpp>
#include <fissile/detect/down_inputs.hpp>
#include <fissile/detect/expert_norms.hpp>
#include <fissile/detect/feature_magnitudes.hpp>
#include <fissile/detect/feature_overlap.hpp>
#include <fissile/detect/input_hessian.hpp>
#include <fissile/detect/input_moments.hpp>
#include <fissile/detect/language_centroids.hpp>
#include <fissile/detect/language_neurons.hpp>
#include <fissile/detect/magnitude_histogram.hpp>
#include <fissile/detect/neuron_coactivation.hpp>
#include <fissile/detect/neuron_importance.hpp>
#include <fissile/detect/neuron_magnitudes.hpp>
#include <fissile/detect/outlier_rules.hpp>

// prune: who goes, by evidence, budget and verdict; then carried out; single weights, by score and mask
#include <fissile/prune/all_of.hpp>
#include <fissile/prune/apply.hpp>
#include <fissile/prune/apply_mask.hpp>
#include <fissile/prune/budgets.hpp>
#include <fissile/prune/decide.hpp>
#include <fissile/prune/keep_busiest.hpp>
#include <fissile/prune/keep_largest.hpp>
#include <fissile/prune/levels.hpp>
#include <fissile/prune/neuron_scores.hpp>
#include <fissile/prune/output_error.hpp>
#include <fissile/prune/owl.hpp>
#include <fissile/prune/random_order.hpp>
#include <fissile/prune/reap.hpp>
#include <fissile/prune/refit_down.hpp>
#include <fissile/prune/spare_features.hpp>
#include <fissile/prune/sparsegpt.hpp>
#include <fissile/prune/verdict.hpp>
#include <fissile/prune/wanda.hpp>
#include <fissile/prune/weight_mask.hpp>
#include <fissile/prune/weight_scores.hpp>

// train: gradients through a hard threshold
#include <fissile/train/adam.hpp>
#include <fissile/train/dense_layer.hpp>
#include <fissile/train/distil.hpp>
#include <fissile/train/hoyer.hpp>
#include <fissile/train/load_bias.hpp>
#include <fissile/train/mlp_fit.hpp>
#include <fissile/train/neuron_mask.hpp>
#include <fissile/train/penalty.hpp>
#include <fissile/train/penalty_controller.hpp>
#include <fissile/train/relu_penalty.hpp>
#include <fissile/train/sparsity_controller.hpp>
#include <fissile/train/surrogates.hpp>
#include <fissile/train/trainable_ffn.hpp>
#include <fissile/train/two_branches.hpp>

// recipes: one header a paper, its method composed from the floors above
#include <fissile/recipes/babel.hpp>
#include <fissile/recipes/dsmoe.hpp>
#include <fissile/recipes/finedeep.hpp>
#include <fissile/recipes/finedeep_ffn.hpp>
#include <fissile/recipes/fuxitranyu.hpp>
#include <fissile/recipes/landermt.hpp>
#include <fissile/recipes/robustness.hpp>
#include <fissile/recipes/text_noise.hpp>
#include <fissile/recipes/text_pieces.hpp>
#include <fissile/recipes/translation_pruning.hpp>
