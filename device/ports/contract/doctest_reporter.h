#pragma once
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "ports/contract/reporter.h"

namespace tercet::contract {

/// The suite in a program of doctest: a broken promise is a failed check.
class DoctestReporter final : public Reporter {
 public:
  std::vector<std::string> skipped;
  void begin(std::string_view promise) override { promise_ = promise; }
  void fail(std::string_view what) override {
    const std::string text = promise_ + ": " + std::string(what);
    CHECK_MESSAGE(false, text);
  }
  void skip(std::string_view) override { skipped.push_back(promise_); }
  void end() override {
    CHECK(!promise_.empty());
    promise_.clear();
  }

 private:
  std::string promise_;
};

/// Keeps what is told, for tests of the suite itself.
class RecordingReporter final : public Reporter {
 public:
  std::vector<std::string> failed;
  void begin(std::string_view promise) override { promise_ = promise; }
  void fail(std::string_view) override {
    if (failed.empty() || failed.back() != promise_) failed.push_back(promise_);
  }
  void skip(std::string_view) override {}
  void end() override {}

 private:
  std::string promise_;
};

}  // namespace tercet::contract
