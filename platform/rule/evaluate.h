#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "platform/rule/memory.h"
#include "platform/rule/sql.h"
#include "platform/rule/value.h"

namespace tercet::rule {

/// A message as a rule looks at it. Views outlive the evaluation.
struct Message {
  std::string_view topic;  ///< as applications see it
  std::string_view product, device_name;
  std::string_view payload;
  std::string_view id;                ///< decimal digits
  std::int64_t time = 0;              ///< now, milliseconds since 1970
  const json::Value* root = nullptr;  ///< the payload, if it is JSON
  /// The value of a tag of the device; "" when it has none. May be null.
  const std::function<std::string_view(std::string_view key)>* attribute = nullptr;
};

enum class Verdict : std::uint8_t {
  met,
  not_met,
  unknown,  ///< a member that the condition needs is not there
  failed    ///< the condition cannot be worked out: too long, too many steps, a text where substring wants another
};

/// Works queries out. One per shard; keeps its memory, so that nothing is allocated once it has grown.
class Evaluator {
 public:
  static constexpr std::uint32_t kMaxSteps = 10'000;     ///< nodes visited for one message and rule
  static constexpr std::size_t kMaxResult = 256 * 1024;  ///< bytes of a result

  /// random: a number that differs each time, for rand() and newuuid().
  explicit Evaluator(std::function<std::uint64_t()> random) : random_(std::move(random)) {}

  /// WHERE. A query without one is always met. memory: of the rule and the device; may be null when the query has no
  /// use for it (Query::memories()); true in `changed` when something in it is different now.
  Verdict decide(const Query& query, const Message& message, DeviceMemory* memory, bool* changed = nullptr);
  /// SELECT: a JSON object of the items; of `*` alone the payload itself. False: failed, see failure().
  bool select(const Query& query, const Message& message, DeviceMemory* memory, std::string& out);
  /// Why the last one failed; English.
  std::string_view failure() const { return failure_; }

 private:
  Value value(std::uint32_t node);
  Value path(const Node& node);
  Value call(const Node& node);
  Value arithmetic(const Node& node);
  Value compare(const Node& node);
  Value logic(const Node& node);
  Value in_list(const Node& node);
  Value like(const Node& node);
  Value between(const Node& node);
  Value chosen(const Node& node);
  Value math(const Node& node);
  Value text_call(const Node& node);
  Value substring(const Node& node);
  Value replace(const Node& node);
  Value digest(const Node& node);
  Value encoded(const Node& node);
  Value topic_level(const Node& node);
  Value clock_text(const Node& node, std::int64_t ahead);
  Value uuid();
  Value remembered(const Node& node);
  Value windowed(const Node& node, Memory& memory);
  bool append_items(const Query& query, std::string& out);
  void append_payload_members(const Query& query, std::string& out, bool& any);
  void append_flat(const Node& node, std::string& out, bool& any);
  void append_flat_value(std::string& out, const json::Value& value, bool& any);
  Value fail(std::string_view why);
  std::string_view plain(const Value& value);
  Value child(const Node& node, std::uint32_t index) { return value(query_->child(node, index)); }

  std::function<std::uint64_t()> random_;
  Scratch scratch_;
  std::string plain_, name_;
  const Query* query_ = nullptr;
  const Message* message_ = nullptr;
  DeviceMemory* memory_ = nullptr;
  bool changed_ = false;
  std::uint32_t steps_ = 0;
  std::string_view failure_;
};

/// How two values stand to each other: numbers by size, texts by their bytes, a text that is a number beside a number
/// as one. Nothing when they cannot be compared.
std::optional<int> order(const Value& a, const Value& b);

}  // namespace tercet::rule
