// Takes turns: every round gives each contestant one sample, with the limits measured right beside it.
#pragma once

#include "limits.hpp"
#include "options.hpp"
#include "targets.hpp"

#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace fissile::bench {

/// What a call did.
struct work_done {
  double bytes = 0;
  double flops = 0;
  work_done& operator+=(const work_done& more) {
    bytes += more.bytes;
    flops += more.flops;
    return *this;
  }
};

struct contestant {
  row told;                         // all but the figures
  std::function<work_done()> call;  // goes by itself from copy to copy and from draw to draw
  peak_burst burst = nullptr;       // the arithmetic that limits it
  bool competes = false;            // a dense layer that ours is compared with
};

class contest {
public:
  contest(crew& threads, stream_read& stream, const options& given)
      : threads_(threads), stream_(stream), rounds_(given.rounds), patience_(given.patience) {}

  void add(contestant one) { contestants_.push_back(std::move(one)); }

  /// Rows in the order contestants came, after two for the limits.
  std::vector<row> run() {
    for (contestant& one : contestants_) repetitions_.push_back(repetitions(one));
    samples_.resize(contestants_.size());
    for (int round = 0; round < rounds_; ++round) {
      for (std::size_t i = 0; i < contestants_.size(); ++i) samples_[i].push_back(undisturbed(i));
    }
    return told();
  }
  /// Samples taken again, since a processor was missing before or after.
  int discarded() const noexcept { return discarded_; }
  /// Samples kept all the same, when patience was over.
  int kept() const noexcept { return kept_; }

private:
  struct sample {
    double seconds;
    work_done work;
    double limit;  // seconds
  };

  /// About 20 ms a sample, and never less than a call.
  static int repetitions(const contestant& one) {
    one.call();  // warm
    return static_cast<int>(std::clamp(0.02 / seconds_of(one.call), 1.0, 1000.0));
  }

  sample undisturbed(std::size_t i) {
    for (int attempt = 0;; ++attempt) {
      const bool before = threads_.wait_until_complete();
      const sample taken = take(contestants_[i], repetitions_[i]);
      if (before && threads_.complete()) return taken;
      if (attempt >= patience_) {
        ++kept_;
        return taken;
      }
      ++discarded_;
    }
  }
  sample take(const contestant& one, int times) {
    stream_rate_.push_back(stream_.rate(threads_));
    const double peak = std::max(peak_rate(threads_, one.burst), peak_rate(threads_, one.burst));
    peak_rates_[one.burst].push_back(peak);
    work_done work;
    const double seconds = seconds_of([&] {
      for (int call = 0; call < times; ++call) work += one.call();
    });
    const double limit = std::max(work.bytes / stream_rate_.back(), work.flops / peak);
    return {seconds / times, {work.bytes / times, work.flops / times}, limit / times};
  }

  template <class Value>
  std::vector<double> all(std::size_t i, const Value& value) const {
    std::vector<double> values;
    for (const sample& one : samples_[i]) values.push_back(value(one));
    return values;
  }
  double seconds(std::size_t i) const {
    return median(all(i, [](const sample& one) { return one.seconds; }));
  }
  std::optional<std::size_t> best_dense() const {
    std::optional<std::size_t> best;
    for (std::size_t i = 0; i < contestants_.size(); ++i) {
      if (contestants_[i].competes && (!best || seconds(i) < seconds(*best))) best = i;
    }
    return best;
  }

  std::vector<row> told() const {
    const std::optional<std::size_t> best = best_dense();
    std::vector<row> rows = limits(best ? seconds(*best) : 0);
    for (std::size_t i = 0; i < contestants_.size(); ++i) {
      row r = contestants_[i].told;
      r.seconds = seconds(i);
      r.bytes = median(all(i, [](const sample& one) { return one.work.bytes; }));
      r.flops = median(all(i, [](const sample& one) { return one.work.flops; }));
      r.share_of_limit = median(all(i, [](const sample& one) { return one.limit / one.seconds; }));
      if (best) {
        std::vector<double> ratios;
        for (std::size_t round = 0; round < samples_[i].size(); ++round) {
          ratios.push_back(samples_[i][round].seconds / samples_[*best][round].seconds);
        }
        r.over_best_dense = median(std::move(ratios));
      }
      if (r.name == "fissile") r.against = judged(r);
      if (best == i) r.against = "the best dense layer";
      rows.push_back(std::move(r));
    }
    return rows;
  }
  /// What reading the dense layer, and multiplying with it, would take at the limit.
  std::vector<row> limits(double best) const {
    std::vector<row> rows;
    row r = contestants_.front().told;
    const double numbers = 3 * static_cast<double>(r.width) * static_cast<double>(r.neurons);
    r.active = 1;
    r.share_of_limit = 1;
    r.flops = 2 * numbers * static_cast<double>(r.batch);
    r.bytes = numbers * (r.element == "float" ? 4 : r.element == "int8" ? 1 : 2);
    const auto add = [&](const char* name, double time) {
      r.name = name;
      r.seconds = time;
      r.over_best_dense = best > 0 ? time / best : 0;
      rows.push_back(r);
    };
    add("stream_read", r.bytes / median(stream_rate_));
    for (const auto& [burst, rates] : peak_rates_) {
      add(burst == contestants_.front().burst ? "peak" : "peak_of_peers", r.flops / median(rates));
    }
    return rows;
  }

  crew& threads_;
  stream_read& stream_;
  int rounds_, patience_;
  int discarded_ = 0, kept_ = 0;
  std::vector<contestant> contestants_;
  std::vector<int> repetitions_;
  std::vector<std::vector<sample>> samples_;  // [contestants][rounds]
  std::vector<double> stream_rate_;
  std::map<peak_burst, std::vector<double>> peak_rates_;
};

}  // namespace fissile::bench
