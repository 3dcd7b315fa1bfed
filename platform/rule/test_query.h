#pragma once
#include <doctest/doctest.h>

#include <string>

#include "platform/rule/evaluate.h"

namespace tercet::rule {

/// One message and an evaluator, for tests.
struct TestMessage {
  explicit TestMessage(std::string_view payload_json, std::int64_t at = 1'535'700'748'205)
      : payload(payload_json), time(at) {
    const auto parsed = json::parse(payload);
    if (parsed) root = *parsed;
    is_json = parsed.has_value();
  }
  Message view() const {
    Message message;
    message.topic = topic;
    message.product = "a1Product";
    message.device_name = "board";
    message.payload = payload;
    message.id = "1033204567890123456";
    message.time = time;
    message.root = is_json ? &root : nullptr;
    message.attribute = &attribute;
    return message;
  }
  std::string topic = "/a1Product/board/user/update";
  std::string payload;
  std::int64_t time;
  json::Value root;
  bool is_json = false;
  std::function<std::string_view(std::string_view)> attribute = [](std::string_view key) {
    return key == "room" ? std::string_view("kitchen") : std::string_view{};
  };
};

inline Evaluator& test_evaluator() {
  static std::uint64_t seed = 1;
  static Evaluator evaluator([] { return seed = seed * 6364136223846793005ULL + 1442695040888963407ULL; });
  return evaluator;
}

inline std::shared_ptr<const Query> must_compile(std::string_view sql) {
  const Compiled compiled = compile(sql);
  INFO(sql, ": ", compiled.problem ? compiled.problem->text() : std::string());
  REQUIRE(compiled.query);
  return compiled.query;
}

/// The result of `SELECT {items} FROM ...` as JSON, or why it failed.
inline std::string selected(std::string_view items, const TestMessage& message) {
  const auto query = must_compile("SELECT " + std::string(items) + " FROM \"/a1Product/+/user/#\"");
  std::string out;
  DeviceMemory memory;
  memory.memories.resize(query->memories());
  const Message view = message.view();
  if (!test_evaluator().select(*query, view, &memory, out)) return "failed: " + std::string(test_evaluator().failure());
  return out;
}

inline Verdict decided(std::string_view condition, const TestMessage& message, DeviceMemory* memory = nullptr) {
  const auto query = must_compile("SELECT * FROM \"/a1Product/+/user/#\" WHERE " + std::string(condition));
  DeviceMemory fresh;
  if (memory == nullptr) memory = &fresh;
  memory->memories.resize(query->memories());
  const Message view = message.view();
  return test_evaluator().decide(*query, view, memory);
}

inline std::string problem_of(std::string_view sql) {
  const Compiled compiled = compile(sql);
  return compiled.problem ? compiled.problem->text() : "none";
}

}  // namespace tercet::rule
