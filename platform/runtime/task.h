#pragma once
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace tercet::runtime {

/// A move-only callable without arguments, called at most once. What threads hand each other.
class Task {
 public:
  Task() = default;
  template <typename F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, Task> && std::is_invocable_v<std::remove_cvref_t<F>&>)
      Task(F&& call)  // NOLINT: implicit by design
      : call_(std::make_unique<Holder<std::remove_cvref_t<F>>>(std::forward<F>(call))) {}
  explicit operator bool() const { return call_ != nullptr; }
  void operator()() {
    const auto call = std::move(call_);
    call->run();
  }

 private:
  struct Base {
    virtual ~Base() = default;
    virtual void run() = 0;
  };
  template <typename F>
  struct Holder final : Base {
    explicit Holder(F call) : call_(std::move(call)) {}
    void run() override { call_(); }
    F call_;
  };
  std::unique_ptr<Base> call_;
};

}  // namespace tercet::runtime
