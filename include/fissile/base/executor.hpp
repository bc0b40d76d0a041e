// Executors: how the caller lends threads. The library owns none.
#pragma once

#include <fissile/base/index.hpp>

#include <concepts>
#include <type_traits>

namespace fissile {

/// A task body without owner and without allocation: a pointer to a callable and how to call it.
class task_reference {
public:
  template <class Function>
  requires(!std::same_as<std::remove_cv_t<Function>, task_reference>) explicit task_reference(
      Function& function) noexcept
      : object_(const_cast<void*>(static_cast<const void*>(&function))),
        call_([](void* object, index_t task) noexcept { (*static_cast<Function*>(object))(task); }) {}
  void operator()(index_t task) const noexcept { call_(object_, task); }

private:
  void* object_;
  void (*call_)(void*, index_t) noexcept;
};

/// executor: runs `f(0) ... f(tasks - 1)`, each exactly once, on any threads, and returns when all have ended.
/// Law: the calls may come in any order and at the same time; it neither throws nor allocates.
/// Satisfied by `serial`, `thread_pool`, and any callable of the user's that takes `(index_t, task_reference)`.
// clang-format off
template <class E>
concept executor = requires(E& run, index_t tasks, task_reference f) {
  { run(tasks, f) } noexcept;
};
// clang-format on

/// All tasks on the caller's thread, ascending.
struct serial {
  index_t threads() const noexcept { return 1; }
  void operator()(index_t tasks, task_reference f) const noexcept {
    for (index_t task = 0; task < tasks; ++task) f(task);
  }
};

/// An executor without owner; the executor must outlive it.
class executor_reference {
public:
  executor_reference() noexcept = default;  // serial
  template <executor Executor>
  requires(!std::same_as<std::remove_cv_t<Executor>, executor_reference>) executor_reference(Executor& run)
  noexcept  // NOLINT: implicit on purpose
      : object_(const_cast<void*>(static_cast<const void*>(&run))),
        call_([](void* object, index_t tasks, task_reference f) noexcept {
          (*static_cast<Executor*>(object))(tasks, f);
        }) {
    if constexpr (requires { run.threads(); }) {
      threads_ = run.threads();
    } else {
      threads_ = 8;  // unknown: enough tasks to keep a usual machine busy
    }
  }

  /// How many tasks are worth making; a hint, no result depends on it.
  index_t threads() const noexcept { return threads_; }

  template <class Function>
  void operator()(index_t tasks, Function&& function) const noexcept {
    const task_reference f{function};
    if (call_ == nullptr || tasks < 2) return serial{}(tasks, f);
    call_(object_, tasks, f);
  }

private:
  void* object_ = nullptr;
  void (*call_)(void*, index_t, task_reference) noexcept = nullptr;
  index_t threads_ = 1;
};

}  // namespace fissile
