#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "platform/rule/alarm.h"
#include "platform/rule/evaluate.h"

namespace tercet::rule {

/// A rule held against messages one after the other, as a shard would, with nothing sent: for dry runs and rule files.
class Trial {
 public:
  struct Message {
    std::string topic;  ///< in either spelling
    std::string product, device_name, payload;
    std::int64_t time = 0;  ///< milliseconds since 1970, not before that of the message before it
    std::map<std::string, std::string> tags = {};
  };
  /// What would have been sent.
  struct Row {
    std::int64_t time = 0;
    std::string device_name, topic, result;
    AlarmState alarm = AlarmState::none;
  };
  struct Counts {
    std::uint64_t messages = 0, matched = 0, met = 0, failed = 0;
  };
  /// where "": every message. alarm "": none. Null: `problem` says which part is wrong and how.
  static std::unique_ptr<Trial> begin(std::string_view select, std::string_view topic, std::string_view where,
                                      std::string_view alarm, std::string& problem);
  /// The same from the console's text.
  static std::unique_ptr<Trial> begin(std::string_view sql, std::string_view alarm, std::string& problem);

  std::optional<Row> feed(const Message& message);
  const Counts& counts() const { return counts_; }
  const Query& query() const { return *query_; }
  /// Why the last message failed; "" when it did not.
  std::string_view failure() const { return failure_; }

 private:
  Trial(std::shared_ptr<const Query> query, std::optional<AlarmSettings> alarm);
  std::shared_ptr<const Query> query_;
  std::optional<AlarmSettings> alarm_;
  Evaluator evaluator_;
  std::map<std::string, DeviceMemory> memories_;  ///< by product and device
  Counts counts_;
  std::string failure_;
  std::uint64_t seed_ = 1;
};

}  // namespace tercet::rule
