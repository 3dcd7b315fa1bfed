#include "platform/server/registration_feed.h"

#include <memory>
#include <optional>
#include <utility>

namespace tercet::server {
namespace {

using registry::Answer;
using registry::DeviceToken;

/// On the management thread until it is answered and every shard has the device; then it goes back to its shard. One
/// that takes nothing then lets its board wait in vain, and try again.
struct Question {
  std::string product, device;
  registry::Registrar::Done done;
  std::optional<Answer<DeviceToken>> answer = {};
  bool is_applied = false;
};

void bring_back(runtime::Loop& loop, const std::shared_ptr<Question>& question) {
  if (!question->answer || !question->is_applied) return;
  static_cast<void>(loop.post([question] { question->done(*question->answer); }));
}

}  // namespace

void RegistrationFeed::register_unlisted(std::string product, std::string device, Done done) {
  auto question = std::make_shared<Question>(Question{std::move(product), std::move(device), std::move(done)});
  const bool taken = management_.post([&registry = registry_, &loop = loop_, question] {
    auto answer = registry.register_unlisted(question->product, question->device, [question, &loop] {
      question->is_applied = true;
      bring_back(loop, question);
    });
    if (!answer) question->is_applied = true;  // nothing was changed
    question->answer = std::move(answer);
    bring_back(loop, question);
  });
  if (!taken)
    question->done(registry::RegistryProblem{Error::would_block, "iot.system.SystemException", "the platform is busy"});
}

}  // namespace tercet::server
