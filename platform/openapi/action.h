#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "platform/file/files.h"
#include "platform/job/jobs.h"
#include "platform/openapi/answer.h"
#include "platform/openapi/broadcast_pace.h"
#include "platform/openapi/fleet.h"
#include "platform/openapi/models.h"
#include "platform/openapi/parameters.h"
#include "platform/registry/file_links.h"
#include "platform/registry/journal_store.h"
#include "platform/registry/registry.h"
#include "platform/rule/destinations.h"
#include "platform/rule/rules.h"
#include "platform/runtime/loop.h"
#include "platform/runtime/tls.h"
#include "platform/script/scripts.h"
#include "platform/store/stream_store.h"
#include "platform/subscription/consumers.h"
#include "platform/subscription/groups.h"
#include "platform/tag/tags.h"
#include "platform/topology/topology.h"
#include "platform/upgrade/upgrades.h"

namespace tercet::openapi {

/// What actions work on. All of it outlives the gateway; everything is called on the management loop.
struct Services {
  runtime::Loop& loop;
  registry::Registry& registry;
  registry::JournalStore& journal;
  Fleet& fleet;
  store::StreamStore& store;  ///< read for history; blocking, on the management thread
  Models& models;
  std::string region = "local";                            ///< what device details give as Region
  const registry::FileLinks* files = nullptr;              ///< null, or not offered: devices fetch nothing from here
  upgrade::Upgrades* upgrades = nullptr;                   ///< null: no firmware is kept here
  topology::Topology* topology = nullptr;                  ///< null: gateways have no sub-devices here
  script::Scripts* scripts = nullptr;                      ///< of the management loop; null: scripts are not offered
  rule::Rules* rules = nullptr;                            ///< null: there are no rules here
  rule::Destinations* destinations = nullptr;              ///< where they send what they make; null: nowhere
  tag::Tags* tags = nullptr;                               ///< null: devices have no tags here
  file::Files* device_files = nullptr;                     ///< null: devices upload no files here
  subscription::Groups* groups = nullptr;                  ///< null: nobody subscribes here
  subscription::Consumers* consumers = nullptr;            ///< beside groups
  const runtime::TlsIdentity* device_authority = nullptr;  ///< null: no certificates are made here
  job::Jobs* jobs = nullptr;                               ///< null: there are no jobs here
  BroadcastPace broadcasts = {};
};

/// One call that has been authenticated. A handler that answers later keeps a copy.
struct Call {
  std::string action;
  std::string request_id;
  Parameters parameters;
  registry::Language language = registry::Language::en;  ///< of our own explanations; parameter Lang
  std::string base_url = {};                             ///< as the caller reaches us: "http://host:port"

  /// IotId, or ProductKey and DeviceName; the IotId wins.
  registry::DeviceRef device() const;
};

/// Answers a call; on the management loop, once.
using Reply = std::function<void(Answer)>;

/// One row of the table of actions.
struct Action {
  std::string_view name;
  std::vector<std::string_view> required;  ///< parameters that must not be empty; a missing one is Missing{Param}
  void (*handle)(Services& services, const Call& call, Reply reply);
};

/// Holds an answer back until its change has reached every shard. Copy `applied()` into the registry's call, then give
/// the answer; the reply goes out when both are there, in either order.
class AfterApplied {
 public:
  explicit AfterApplied(Reply reply) : shared_(std::make_shared<Shared>()) { shared_->reply = std::move(reply); }
  runtime::Task applied() const {
    return [shared = shared_] {
      shared->is_applied = true;
      shared->finish();
    };
  }
  void answer(Answer answer) const {
    shared_->answer = std::move(answer);
    shared_->finish();
  }
  /// Nothing was changed, so nothing is waited for.
  void refuse(const registry::RegistryProblem& problem) const { shared_->reply(refusal(problem)); }

 private:
  struct Shared {
    Reply reply;
    std::optional<Answer> answer;
    bool is_applied = false;
    void finish() {
      if (is_applied && answer) reply(std::move(*answer));
    }
  };
  std::shared_ptr<Shared> shared_;
};

/// A shard did not take the question.
Answer busy();
/// CurrentPage (or `page_name`) and PageSize, with defaults; nothing when one is no positive number or over `most`.
std::optional<registry::PageRequest> page_of(const Parameters& parameters, std::string_view page_name,
                                             std::size_t default_size, std::size_t most);
Answer bad_page(std::size_t most);

/// Every action, sorted by name (action_table.cc).
std::span<const Action> all_actions();
const Action* find_action(std::string_view name);

}  // namespace tercet::openapi
