#include "cli/board_register.h"

#include <sys/stat.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>

#include "cli/board_plan.h"
#include "cli/new_files.h"
#include "ports/posix/files.h"
#include "tercet/device/registration.h"

namespace tercet::cli {
namespace {

int complain(const std::string& problem) {
  std::fprintf(stderr, "tercet device: %s\n", problem.c_str());
  return 2;
}

/// What the registration is told stays in memory until the triple file is written.
class Memory final : public device::KeyValueStore {
 public:
  Result<std::size_t> get(std::string_view key, MutableBytes into) override {
    const auto found = values_.find(std::string(key));
    if (found == values_.end()) return fail(Error::not_found);
    if (found->second.size() > into.size()) return fail(Error::no_space);
    std::copy(found->second.begin(), found->second.end(), into.begin());
    return found->second.size();
  }
  Result<void> set(std::string_view key, Bytes value) override {
    values_[std::string(key)].assign(value.begin(), value.end());
    return {};
  }
  Result<void> remove(std::string_view key) override {
    values_.erase(std::string(key));
    return {};
  }

 private:
  std::map<std::string, std::vector<std::uint8_t>> values_;
};

/// Prints the rungs that break, and keeps the last.
class Watcher final : public device::DeviceEvents {
 public:
  explicit Watcher(device::Language language) : language_(language) {}
  std::optional<device::Rung> last_rung;
  Error last_error = Error::timed_out;
  void on_rung(device::Rung rung, const device::RungRecord& record, std::string_view) override {
    if (!record.error) return;
    last_rung = rung, last_error = *record.error;
    const auto title = device::title(rung, language_), why = device::explain(rung, *record.error, language_);
    const auto remedy = device::remedy(rung, *record.error, language_);
    const std::string_view error = name(*record.error);
    std::fprintf(stderr, "  ✗ %.*s: %.*s [%.*s]\n", static_cast<int>(title.size()), title.data(),
                 static_cast<int>(why.size()), why.data(), static_cast<int>(error.size()), error.data());
    if (!was_refused())  // the table's remedy is about the DeviceSecret
      std::fprintf(stderr, "    -> %.*s\n", static_cast<int>(remedy.size()), remedy.data());
  }
  bool was_refused() const {
    return last_rung == device::Rung::connect &&
           (last_error == Error::refused_credentials || last_error == Error::refused_not_authorized ||
            last_error == Error::refused_client_id);
  }

 private:
  device::Language language_;
};

/// "" when there is none; problem then says so.
std::string read_product_secret(const BoardOptions& options, std::string& problem) {
  std::string text;
  if (options.product_secret == "-") {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
  } else if (!options.product_secret.empty()) {
    struct stat about {};
    if (::stat(options.product_secret.c_str(), &about) == 0 && (about.st_mode & 077) != 0) {
      problem = options.product_secret + " can be read by others: chmod 600 " + options.product_secret;
      return {};
    }
    const auto read = posix::read_file(options.product_secret, 4096);
    if (!read) {
      problem = options.product_secret + ": " + std::string(name(read.error()));
      return {};
    }
    text = *read;
  } else if (const char* const set = std::getenv("TERCET_PRODUCT_SECRET"); set != nullptr) {
    text = set;
  }
  const auto end = text.find_last_not_of(" \t\r\n");
  text.erase(end == std::string::npos ? 0 : end + 1);
  if (text.empty())
    problem =
        "--register needs the ProductSecret: --product-secret FILE, or TERCET_PRODUCT_SECRET in the environment "
        "(tercet product show PRODUCT has it)";
  return text;
}

bool read_id(const std::string& text, DeviceId& id, std::string& problem) {
  const auto slash = text.find('/');
  const auto product = ProductKey::parse(text.substr(0, slash));
  const auto device = DeviceName::parse(slash == std::string::npos ? "" : text.substr(slash + 1));
  if (product && device) {
    id = {*product, *device};
    return true;
  }
  problem = "--register wants PRODUCT/DEVICE, ProductKey and DeviceName, as in a1B2c3D4e5F/sensor_01";
  return false;
}

std::string triple_text(const Plan& plan, const DeviceSecret& secret, const std::string& ca) {
  boost::json::object triple;
  triple["productKey"] = std::string(plan.id.product.str());
  triple["deviceName"] = std::string(plan.id.device.str());
  triple["deviceSecret"] = std::string(secret.str());
  triple["host"] = plan.host;
  triple["port"] = plan.port;
  if (!ca.empty()) triple["ca"] = std::filesystem::absolute(ca).lexically_normal().string();
  return boost::json::serialize(triple) + "\n";
}

int say_refused(const Plan& plan) {
  const std::string product(plan.id.product.str()), device(plan.id.device.str());
  std::fprintf(stderr,
               "tercet device: the platform refused the registration; its refusal log says why: tercet log refusals %s "
               "%s\n  switched off: tercet product registration %s on; no such device: tercet device add %s %s; has "
               "logged in before: tercet device reset %s %s; or the ProductSecret is another product's\n",
               product.c_str(), device.c_str(), product.c_str(), product.c_str(), device.c_str(), product.c_str(),
               device.c_str());
  return exit_code_of(device::Rung::connect, Error::refused_credentials);
}

}  // namespace

int register_board(const BoardOptions& options) {
  Plan plan;
  std::string problem;
  if (options.plain || options.psk) return complain("--register needs TLS with certificates: leave out --plain, --psk");
  if (!read_id(options.registers, plan.id, problem) || !read_way(options, nullptr, plan, problem))
    return complain(problem);
  if (!NewFiles::is_free(options.triple_file, false, problem)) return complain(problem);
  const std::string product_secret = read_product_secret(options, problem);
  if (product_secret.empty()) return complain(problem);

  posix::Board board({{}, plan.host, plan.trust, {}});
  Memory memory;
  Watcher watcher(options.language == "zh" ? device::Language::chinese : device::Language::english);
  device::Port port = board.port();
  port.store = &memory;
  const auto buffers = std::make_unique<device::DeviceBuffers<>>();
  device::Registration registration(port, buffers->storage(), &watcher);
  if (!registration.start(plan.id, {plan.host, plan.port}, product_secret)) return complain("options out of range");
  const Instant give_up = options.give_up_s > 0 ? board.clock().now() + Seconds{options.give_up_s} : Instant::never();
  while (!registration.is_done()) {
    registration.run();
    if (watcher.was_refused()) return say_refused(plan);
    if (board.clock().now() >= give_up)
      return watcher.last_rung ? exit_code_of(*watcher.last_rung, watcher.last_error) : 1;
    board.wait(std::min(registration.next_deadline(), give_up));
  }

  const auto secret = device::RegisteredIdentity{memory}.secret_of(plan.id);
  if (!secret) return complain("the platform's answer has no DeviceSecret");
  NewFiles files(false);
  if (!files.add(options.triple_file, triple_text(plan, *secret, options.ca_file), problem) || !files.commit(problem))
    return complain(problem);
  std::printf("registered %s/%s: %s (mode 0600)\n  tercet device --triple %s\n",
              std::string(plan.id.product.str()).c_str(), std::string(plan.id.device.str()).c_str(),
              options.triple_file.c_str(), options.triple_file.c_str());
  return 0;
}

}  // namespace tercet::cli
