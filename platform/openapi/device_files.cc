#include "platform/openapi/device_files.h"

#include <charconv>
#include <optional>

#include "platform/openapi/percent.h"

namespace tercet::openapi {
namespace {

constexpr std::string_view kConfigurations = "/files/configuration/";
constexpr std::string_view kScripts = "/files/script/";     // then product/version
constexpr std::string_view kUploaded = "/files/device/";    // then the id
constexpr std::string_view kJobFiles = "/files/job/";       // then the key of the upload
constexpr std::string_view kFirmware = "/files/firmware/";  // then number/name

std::string_view value_of(const NamedTexts& fields, std::string_view name) {
  for (const auto& [key, value] : fields)
    if (key == name) return value;
  return {};
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

struct Part {
  std::uint64_t first = 0, last = 0;
};
enum class Wanted : std::uint8_t { whole, part, nothing };

/// What a Range header means for a file of that size. [RFC9110-14.2] one that is not understood is as if it were not
/// there; the last bytes (`-500`) and several ranges are not.
Wanted range_of(std::string_view header, std::uint64_t size, Part& part) {
  constexpr std::string_view kUnit = "bytes=";
  if (!header.starts_with(kUnit)) return Wanted::whole;
  header.remove_prefix(kUnit.size());
  const auto dash = header.find('-');
  if (dash == std::string_view::npos) return Wanted::whole;
  const auto first = number(header.substr(0, dash));
  const std::string_view end = header.substr(dash + 1);
  const auto last = end.empty() ? std::optional(size == 0 ? 0 : size - 1) : number(end);
  if (!first || !last || (!end.empty() && *last < *first)) return Wanted::whole;
  if (*first >= size) return Wanted::nothing;
  part = {*first, std::min(*last, size - 1)};
  return Wanted::part;
}

/// `whole` as it stands, or the part of it that was asked for: `cut(response, part)` makes that.
template <typename Cut>
HttpResponse serve(std::uint64_t bytes, std::string_view range, Cut cut) {
  HttpResponse response;
  response.headers.emplace_back("Accept-Ranges", "bytes");
  response.headers.emplace_back("Cache-Control", "private, no-store");
  const std::string size = std::to_string(bytes);
  Part part{0, bytes == 0 ? 0 : bytes - 1};
  switch (range_of(range, bytes, part)) {
    case Wanted::whole:
      break;
    case Wanted::part:
      response.status = 206;
      response.headers.emplace_back(
          "Content-Range", "bytes " + std::to_string(part.first) + "-" + std::to_string(part.last) + "/" + size);
      break;
    case Wanted::nothing: {
      HttpResponse refused = plain_response(416, "The file ends before that place: fetch it from its beginning.");
      refused.headers.emplace_back("Content-Range", "bytes */" + size);
      return refused;
    }
  }
  cut(response, part);
  return response;
}

/// An image on its way to a device, a device's file on its way to a person.
template <typename Reader>
class DiskSource final : public BodySource {
 public:
  explicit DiskSource(std::shared_ptr<const Reader> file) : file_(std::move(file)) {}
  std::size_t read(std::uint64_t offset, MutableBytes into) const override { return file_->read(offset, into); }

 private:
  std::shared_ptr<const Reader> file_;
};

template <typename Reader>
HttpResponse serve_from_disk(std::shared_ptr<const Reader> file, std::string_view range) {
  const std::uint64_t bytes = file->bytes();
  return serve(bytes, range, [&](HttpResponse& response, const Part& part) {
    response.content_type = "application/octet-stream";
    if (bytes == 0) return;
    response.source = std::make_shared<DiskSource<Reader>>(std::move(file));
    response.source_from = part.first;
    response.source_bytes = part.last - part.first + 1;
  });
}

}  // namespace

void DeviceFiles::on_request(HttpRequest request, HttpResponder respond) { respond(answer(request)); }

HttpResponse DeviceFiles::answer(const HttpRequest& request) {
  if (request.method != HttpRequest::Method::get && request.method != HttpRequest::Method::head) {
    HttpResponse response = plain_response(405, "Files are fetched with GET.");
    response.headers.emplace_back("Allow", "GET, HEAD");
    return response;
  }
  const NamedTexts fields = parse_fields(request.query, Plus::itself);
  const auto verdict =
      links_.check(request.path, value_of(fields, "Expires"), value_of(fields, "Signature"), loop_.wall());
  if (verdict == registry::FileLinks::Verdict::expired)
    return plain_response(403,
                          "This address has expired: ask for a new one (thing/config/get, "
                          "thing/ota/firmware/get, QueryDeviceFile).");
  if (verdict != registry::FileLinks::Verdict::good)
    return plain_response(403, "This address was not made here, or before the last restart: ask for a new one.");
  std::string_view path = request.path;
  if (path.starts_with(kFirmware)) return firmware(path.substr(kFirmware.size()), request.header("range"));
  if (path.starts_with(kUploaded)) return uploaded(path.substr(kUploaded.size()), request.header("range"));
  if (path.starts_with(kJobFiles)) return job_file(path.substr(kJobFiles.size()), request.header("range"));
  if (path.starts_with(kScripts)) return script(path.substr(kScripts.size()));
  if (!path.starts_with(kConfigurations)) return plain_response(404, "There is no such file.");
  path.remove_prefix(kConfigurations.size());
  const auto slash = path.find('/');
  if (slash == std::string_view::npos || slash + 1 == path.size()) return plain_response(404, "There is no such file.");
  auto found = registry_.configuration(path.substr(0, slash), path.substr(slash + 1));
  if (!found) return plain_response(404, "The file was replaced meanwhile: ask for the new one (thing/config/get).");
  return serve(found->text.size(), request.header("range"), [&](HttpResponse& response, const Part& part) {
    response.body = found->text.substr(part.first, part.last - part.first + 1);
  });
}

HttpResponse DeviceFiles::firmware(std::string_view path, std::string_view range) {
  const auto id = number(path.substr(0, path.find('/')));
  auto image = id && upgrades_ != nullptr ? upgrades_->image(*id) : nullptr;
  if (!image)
    return plain_response(404, "The firmware was deleted meanwhile: ask for the new one (thing/ota/firmware/get).");
  return serve_from_disk(std::move(image), range);
}

HttpResponse DeviceFiles::job_file(std::string_view key, std::string_view range) {
  auto image = upgrades_ != nullptr ? upgrades_->file(key) : nullptr;
  if (!image) return plain_response(404, "The job was deleted meanwhile, and its file with it (thing/job/get).");
  return serve_from_disk(std::move(image), range);
}

HttpResponse DeviceFiles::uploaded(std::string_view id, std::string_view range) {
  auto file = files_ != nullptr ? files_->content(id) : file::Files::Opened{};
  if (!file.content) return plain_response(404, "The file was deleted meanwhile.");
  HttpResponse response = serve_from_disk(std::move(file.content), range);
  // Whatever a device has sent, a browser saves it and does not show it.
  response.headers.emplace_back("Content-Disposition", "attachment; filename=\"" + file.name + "\"");
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  return response;
}

HttpResponse DeviceFiles::script(std::string_view path) {
  const auto slash = path.find('/');
  const auto version = slash == std::string_view::npos ? std::nullopt : number(path.substr(slash + 1));
  auto found = registry_.script(path.substr(0, slash), version.value_or(0));
  if (!version || !found) return plain_response(404, "There is no such script any more.");
  return serve(found->text.size(), {}, [&](HttpResponse& response, const Part&) { response.body = found->text; });
}

}  // namespace tercet::openapi
