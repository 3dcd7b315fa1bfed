#include "cli/provision.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "cli/new_files.h"
#include "cli/provision_source.h"
#include "ports/posix/files.h"
#include "ports/posix/system.h"

namespace tercet::cli {
namespace {

using provision::BoardRecord;
using provision::NvsKeys;

/// Where one board's files go; "" for none of the kind.
struct Places {
  std::string triple, image, keys;
};

constexpr const char* kManifest = "boards.csv";

std::string text_of(const std::vector<std::uint8_t>& bytes) { return {bytes.begin(), bytes.end()}; }

/// Why the options do not go together; "" when they do.
std::string fault_of(const ProvisionOptions& o) {
  const bool is_batch = !o.list.empty() || o.count != 0;
  const int sources = (o.triple.empty() ? 0 : 1) + (o.list.empty() ? 0 : 1) + (o.product.empty() ? 0 : 1);
  if (sources != 1) return "name one source: --triple FILE (- asks), --list FILE, or --product KEY to register devices";
  if (o.product.empty() && (!o.name.empty() || o.count != 0 || o.existing))
    return "--name, --count and --existing belong to --product";
  if (o.existing && (o.name.empty() || o.count != 0)) return "--existing takes one device: give --product and --name";
  if (is_batch && (o.directory.empty() || !o.triple_out.empty() || !o.nvs_out.empty() || !o.keys_out.empty()))
    return "many boards need --dir DIR for their files, and none of --file, --nvs, --keys";
  if (is_batch && o.as != "nvs" && o.as != "file") return "--as is nvs or file";
  if (!is_batch && !o.directory.empty()) return "--dir is for --list and --count; one board takes --nvs or --file";
  if (!is_batch && o.triple_out.empty() && o.nvs_out.empty())
    return "say where to: --nvs IMAGE --keys KEYS, or --file TRIPLE";
  const bool is_image = is_batch ? o.as == "nvs" : !o.nvs_out.empty();
  if (!is_image && (!o.wifi_file.empty() || !o.product_secret_file.empty() || !o.pins.empty()))
    return "Wi-Fi, ProductSecret and pins go into an NVS image, not into a triple file";
  if (!is_image && (!o.keys_out.empty() || !o.use_keys.empty() || o.unencrypted))
    return "keys belong to an NVS image; a triple file has none";
  if (is_image && !o.unencrypted && o.use_keys.empty() && !is_batch && o.keys_out.empty())
    return "an NVS image is encrypted: name a file for its new keys with --keys, or existing ones with --use-keys "
           "(--unencrypted leaves the secret readable by whoever reads the flash)";
  if (o.unencrypted && (!o.use_keys.empty() || !o.keys_out.empty())) return "--unencrypted takes no keys";
  for (const auto& [one, other] :
       {std::pair{o.nvs_out, o.keys_out}, {o.nvs_out, o.triple_out}, {o.keys_out, o.triple_out}})
    if (!one.empty() && one == other) return "two files of one name: " + one;
  if (o.wifi_file == "-" && o.triple == "-" && ::isatty(STDIN_FILENO) != 1)
    return "standard input can be the triple or the Wi-Fi, not both: put one into a file (chmod 600)";
  if (!o.use_keys.empty() && !o.keys_out.empty()) return "--keys is for new keys; --use-keys reads existing ones";
  return "";
}

Result<NvsKeys> new_keys() {
  std::array<std::uint8_t, NvsKeys::kBytes> bytes{};
  posix::SystemRandom().fill(bytes);
  auto keys = NvsKeys::from(bytes);
  std::fill(bytes.begin(), bytes.end(), std::uint8_t{0});
  return keys;
}

class Provisioner {
 public:
  explicit Provisioner(const ProvisionOptions& options) : options_(options) {}

  int run() {
    problem_ = fault_of(options_);
    if (!problem_.empty() || !read_boards() || !read_inputs() || !try_out() || !are_places_free()) return complain(2);
    if (!options_.directory.empty() && !make_directory()) return complain(2);
    const std::size_t count = options_.product.empty() ? boards_.size() : std::max(options_.count, 1U);
    for (std::size_t i = 0; i < count; ++i) {
      const int code = options_.product.empty() ? write(boards_[i]) : register_and_write(i);
      if (code == 0) continue;
      if (!options_.directory.empty() && done_ != 0) stop_between(i);
      return complain(code);
    }
    if (!options_.directory.empty() && !write_manifest()) return complain(2);
    tell();
    return 0;
  }

 private:
  int complain(int code) const {
    std::fprintf(stderr, "tercet: %s\n", problem_.c_str());
    return code;
  }

  /// Boards that are done stay done, and are in the table.
  void stop_between(std::size_t index) {
    std::string why = problem_ + "; the " + std::to_string(done_) + " boards before it are written";
    if (options_.count != 0 && !options_.name.empty())
      why += "; go on with --first " + std::to_string(options_.first + index) + " and another --dir";
    if (!write_manifest()) why += "; " + problem_;
    problem_ = why;
  }

  bool is_image() const { return options_.directory.empty() ? !options_.nvs_out.empty() : options_.as == "nvs"; }

  /// What every board gets, and the keys that are to be used.
  bool read_inputs() {
    if (!options_.ca_file.empty()) {
      const auto ca = posix::read_file(options_.ca_file);
      if (!ca) problem_ = options_.ca_file + " cannot be read";
      if (!ca) return false;
      ca_ = *ca;
    }
    if (!options_.wifi_file.empty() && !read_wifi(options_.wifi_file, wifi_, problem_)) return false;
    if (!options_.product_secret_file.empty()) {
      auto text = read_private(options_.product_secret_file, problem_);
      if (!text) return false;
      product_secret_ = text->substr(0, text->find_last_not_of(" \r\n\t") + 1);
      wipe(*text);
    }
    if (options_.use_keys.empty()) return true;
    auto text = read_private(options_.use_keys, problem_);
    if (!text) return false;
    const auto keys = NvsKeys::parse(as_bytes(*text), problem_);
    wipe(*text);
    if (!keys) problem_ = options_.use_keys + ": " + problem_;
    if (keys) keys_ = *keys;
    return keys.has_value();
  }

  bool read_boards() {
    if (!options_.triple.empty()) {
      auto board = read_board(options_.triple, problem_);
      if (board) boards_.push_back(std::move(*board));
    } else if (!options_.list.empty()) {
      auto text = read_private(options_.list, problem_);
      if (!text) return false;
      auto boards = parse_list(*text, problem_);
      wipe(*text);
      if (boards) boards_ = std::move(*boards);
    } else {
      return find_access(options_.platform, access_, problem_);
    }
    return !boards_.empty();
  }

  BoardRecord completed(BoardRecord record) const {
    if (!options_.host.empty()) record.host = options_.host;
    if (options_.port != 0) record.port = options_.port;
    if (!ca_.empty()) record.ca = ca_;
    if (!product_secret_.empty()) record.product_secret = product_secret_;
    record.pins = options_.pins;
    record.wifi_ssid = wifi_.wifi_ssid, record.wifi_password = wifi_.wifi_password;
    return record;
  }

  /// What would be wrong with any board is found before one is registered.
  bool try_out() {
    std::vector<BoardRecord> all = boards_;
    if (all.empty()) all.push_back(longest());
    for (const BoardRecord& board : all) {
      const auto entries = provision::entries_of(completed(board), problem_);
      if (!entries) return false;
      if (is_image() && !provision::encode_nvs(*entries, options_.size, nullptr, problem_)) return false;
    }
    return true;
  }

  static BoardRecord longest() {
    return {.triple = {{*ProductKey::parse(std::string(20, 'k')), *DeviceName::parse(std::string(32, 'd'))},
                       *DeviceSecret::parse(std::string(64, 's'))}};
  }

  Places places_of(const DeviceId& id) const {
    if (options_.directory.empty()) return {options_.triple_out, options_.nvs_out, options_.keys_out};
    const std::string base =
        options_.directory + '/' + std::string(id.product.str()) + '.' + std::string(id.device.str());
    if (options_.as == "file") return {base + ".json", "", ""};
    return {"", base + ".nvs.bin", keys_ || options_.unencrypted ? "" : base + ".keys.bin"};
  }

  bool are_places_free() {
    std::vector<Places> all;
    for (const BoardRecord& board : boards_) all.push_back(places_of(board.triple.id));
    if (options_.directory.empty()) all = {places_of(longest().triple.id)};
    if (!options_.directory.empty()) all.push_back({options_.directory + '/' + kManifest, "", ""});
    for (const Places& places : all)
      for (const std::string* path : {&places.triple, &places.image, &places.keys})
        if (!path->empty() && !NewFiles::is_free(*path, options_.force, problem_)) return false;
    return true;
  }

  bool make_directory() {
    if (::mkdir(options_.directory.c_str(), 0700) == 0 || errno == EEXIST) return true;
    problem_ = options_.directory + " cannot be made: " + std::strerror(errno);
    return false;
  }

  int register_and_write(std::size_t index) {
    Wanted wanted{options_.product, options_.name, options_.existing};
    if (options_.count != 0 && !wanted.name.empty()) {
      char number[24];
      std::snprintf(number, sizeof number, "%04zu", options_.first + index);
      wanted.name += number;
    }
    const auto board = fetch_board(access_, wanted, problem_);
    if (!board) return board.error() == Error::denied ? 1 : 2;
    const int code = write(*board);
    if (code != 0)
      problem_ += "; device " + std::string(board->triple.id.device.str()) +
                  " is registered: try again with --existing --name " + std::string(board->triple.id.device.str());
    return code;
  }

  /// Both parts of one board, or none of them.
  int write(const BoardRecord& board) {
    const BoardRecord record = completed(board);
    const Places places = places_of(record.triple.id);
    NewFiles files(options_.force);
    if (!places.triple.empty()) {
      std::string text = triple_text(record);
      const bool added = files.add(places.triple, text, problem_);
      wipe(text);
      if (!added) return 2;
    }
    if (!places.image.empty() && !add_image(record, places, files)) return 2;
    if (!files.commit(problem_)) return 2;
    ++done_;
    written_.push_back({record.triple.id, places});
    return 0;
  }

  bool add_image(const BoardRecord& record, const Places& places, NewFiles& files) {
    auto keys = keys_ ? Result<NvsKeys>(*keys_) : new_keys();
    if (!keys) problem_ = "the system's random numbers cannot be used for keys";
    const auto entries = provision::entries_of(record, problem_);
    if (!keys || !entries) return false;
    auto image = provision::encode_nvs(*entries, options_.size, options_.unencrypted ? nullptr : &*keys, problem_);
    if (!image) return false;
    if (!places.keys.empty()) {  // first in place: an image without its keys is worth nothing
      std::string partition = text_of(keys->partition());
      const bool added = files.add(places.keys, partition, problem_);
      wipe(partition);
      if (!added) return false;
    }
    return files.add(places.image, text_of(*image), problem_);
  }

  std::string triple_text(const BoardRecord& record) const {
    boost::json::object object{{"productKey", record.triple.id.product.str()},
                               {"deviceName", record.triple.id.device.str()},
                               {"deviceSecret", record.triple.secret.str()}};
    if (!record.host.empty()) object["host"] = record.host;
    if (record.port) object["port"] = *record.port;
    if (!options_.ca_file.empty()) object["ca"] = std::filesystem::absolute(options_.ca_file).string();
    return boost::json::serialize(object) + "\n";
  }

  /// For the station that flashes: which files belong to which board. No secret is in it.
  bool write_manifest() {
    std::string table = "ProductKey,DeviceName,File,Keys\n";
    const auto file_name = [](const std::string& path) { return path.substr(path.rfind('/') + 1); };
    for (const Written& board : written_)
      table += std::string(board.id.product.str()) + ',' + std::string(board.id.device.str()) + ',' +
               file_name(board.places.image.empty() ? board.places.triple : board.places.image) + ',' +
               (board.places.keys.empty() ? "" : file_name(board.places.keys)) + '\n';
    NewFiles files(options_.force);
    return files.add(options_.directory + '/' + kManifest, table, problem_) && files.commit(problem_);
  }

  void tell() const {
    boost::json::array rows;
    for (const Written& board : written_) {
      boost::json::object row{{"productKey", board.id.product.str()}, {"deviceName", board.id.device.str()}};
      if (!board.places.triple.empty()) row["file"] = board.places.triple;
      if (!board.places.image.empty()) row["nvs"] = board.places.image;
      if (!board.places.keys.empty()) row["keys"] = board.places.keys;
      rows.push_back(std::move(row));
    }
    if (options_.json) {
      std::printf("%s\n", boost::json::serialize(rows).c_str());
      return;
    }
    for (const Written& board : written_)
      std::printf("%s/%s  %s%s %s\n", std::string(board.id.product.str()).c_str(),
                  std::string(board.id.device.str()).c_str(), board.places.triple.c_str(), board.places.image.c_str(),
                  board.places.keys.c_str());
    if (is_image() && options_.unencrypted) std::printf("Not encrypted: whoever reads the flash reads the secret.\n");
    if (is_image() && keys_ && written_.size() > 1)
      std::printf("One key for all: whoever reads it in one board can read all of these images.\n");
    if (!is_image()) return;
    if (options_.unencrypted)
      std::printf(
          "To flash: parttool.py --port PORT write_partition --partition-name nvs --input IMAGE; delete the file "
          "afterwards "
          "(docs/provisioning.md)\n");
    else
      std::printf(
          "To flash, keys first: parttool.py --port PORT write_partition --partition-name nvs_keys --input KEYS, "
          "then nvs with the image; delete both files afterwards (docs/provisioning.md)\n");
  }

  struct Written {
    DeviceId id;
    Places places;
  };
  const ProvisionOptions& options_;
  ApiAccess access_;
  std::string problem_, ca_, product_secret_;
  BoardRecord wifi_ = longest();  ///< only its Wi-Fi counts
  std::optional<NvsKeys> keys_;
  std::vector<BoardRecord> boards_;
  std::vector<Written> written_;
  std::size_t done_ = 0;
};

}  // namespace

int run_provision(const ProvisionOptions& options) { return Provisioner(options).run(); }

}  // namespace tercet::cli
