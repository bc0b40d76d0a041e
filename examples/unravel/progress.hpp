// How far the work is: a bar on a terminal, a line now and then elsewhere.
#pragma once

#include <fissile/base/index.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <string>

#if __has_include(<unistd.h>)
#include <unistd.h>
#endif

namespace fissile::unravel {

enum class progress_style { bar, lines, silent };

/// What standard error can show.
inline progress_style style_of_stderr() noexcept {
#if __has_include(<unistd.h>)
  return ::isatty(STDERR_FILENO) != 0 ? progress_style::bar : progress_style::lines;
#else
  return progress_style::lines;
#endif
}

/// Counts pieces of work; threads may share it.
class progress {
public:
  progress(std::string title, index_t pieces, progress_style style)
      : title_(std::move(title)), pieces_(pieces), style_(style) {
    if (style_ == progress_style::lines) std::fprintf(stderr, "%s: %td pieces of work\n", title_.c_str(), pieces_);
  }
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;
  ~progress() {
    if (style_ == progress_style::bar && shown_ >= 0) std::fputc('\n', stderr);
  }

  void piece_done() {
    const std::lock_guard lock{mutex_};
    ++done_;
    const int percent = static_cast<int>(100 * done_ / std::max<index_t>(pieces_, 1));
    const int step = style_ == progress_style::bar ? 1 : 20;
    if (style_ == progress_style::silent || (percent / step == shown_ && done_ < pieces_)) return;
    shown_ = percent / step;
    show(percent);
  }

private:
  void show(int percent) const {
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start_;
    const double left = spent.count() * static_cast<double>(pieces_ - done_) / static_cast<double>(done_);
    if (style_ == progress_style::lines) {
      std::fprintf(stderr, "%s: %3d %%, about %.0f s left\n", title_.c_str(), percent, left);
      return;
    }
    const int filled = percent * 40 / 100;
    std::fprintf(stderr, "\r%-9s [%s%s] %3d %%  %td of %td  %.0f s left   ", title_.c_str(),
                 std::string(static_cast<std::size_t>(filled), '#').c_str(),
                 std::string(static_cast<std::size_t>(40 - filled), '.').c_str(), percent, done_, pieces_, left);
  }

  std::string title_;
  index_t pieces_;
  progress_style style_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::mutex mutex_;
  index_t done_ = 0;
  int shown_ = -1;
};

}  // namespace fissile::unravel
