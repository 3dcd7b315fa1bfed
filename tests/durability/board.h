#pragma once
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "platform/runtime/loop.h"
#include "tercet/mqtt/decode.h"
#include "tests/durability/posts.h"

namespace tercet::durability {

/// A board that sends its script at QoS 1 over TCP, so many posts at a time, and remembers what it was promised.
/// Outlives the servers it talks to.
class Board final : private runtime::StreamEvents {
 public:
  struct Habits {
    std::size_t window = 1;   ///< posts on their way without PUBACK
    bool persistent = false;  ///< comes back to its session
  };
  Board(int number, std::size_t posts, Habits habits);
  ~Board() { hang_up(); }
  Board(const Board&) = delete;
  Board& operator=(const Board&) = delete;

  /// Logs in and sends on, from the first post that was not acknowledged. Until hang_up().
  void dial(runtime::Loop& loop, const runtime::Address& server);
  void hang_up();

  int number() const { return number_; }
  const std::vector<Post>& script() const { return script_; }
  /// Everything is acknowledged, and what was sent since the last dial() has its 200.
  bool is_done() const;
  /// So many posts, from the first on, have been acknowledged or answered with 200: they must be in history.
  std::size_t promised() const;
  std::size_t sent() const { return sent_; }           ///< ever; no more than these can be in history
  std::uint64_t moved() const { return moved_; }       ///< bytes, in both directions
  const std::string& fault() const { return fault_; }  ///< the first thing the server did wrong

  static std::string secret(int number) { return "secret of " + board_name(number); }

 private:
  void on_readable() override;
  void on_writable() override;
  void log_in();
  void take(const mqtt::Frame& frame);
  void take_reply(const mqtt::Publish& reply);
  void send_posts();
  template <typename Packet>
  void send(const Packet& packet);
  void write();
  void blame(std::string what);

  const int number_;
  const Habits habits_;
  const std::vector<Post> script_;
  runtime::Loop* loop_ = nullptr;
  std::unique_ptr<runtime::Stream> stream_;
  bool online_ = false, asked_ = false;
  std::string in_, out_;
  std::size_t first_ = 0;         // of the posts sent since dial()
  std::size_t next_ = 0;          // to be sent
  std::size_t sent_ = 0;          // ever
  std::size_t acknowledged_ = 0;  // so many, in order [MQTT-4.6.0-2]
  std::set<std::size_t> answered_;
  std::uint64_t moved_ = 0;
  std::string fault_;
};

}  // namespace tercet::durability
