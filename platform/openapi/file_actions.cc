#include <boost/json/array.hpp>

#include "platform/openapi/handlers.h"
#include "platform/openapi/utc_time.h"

// Files that devices have uploaded (cloud-protocol 2.3).
namespace tercet::openapi {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostFiles = 200;  // of a page

Answer not_offered() { return refusal("iot.system.SystemException", "This platform keeps no files of devices."); }

json::object row_of(const file::FileRecord& file) {
  return {{"FileId", file.id},
          {"Name", file.name},
          {"Size", std::to_string(file.bytes)},
          {"UtcCreatedOn", utc_millis(file.created)}};
}

}  // namespace

void query_device_file_list(Services& services, const Call& call, Reply reply) {
  if (services.device_files == nullptr) return reply(not_offered());
  const auto page = page_of(call.parameters, "CurrentPage", 10, kMostFiles);
  if (!page) return reply(bad_page(kMostFiles));
  const auto found = services.device_files->list(call.device(), *page);
  if (!found) return reply(refusal(found.problem()));
  json::array rows;
  for (const file::FileRecord& file : found->items) rows.push_back(row_of(file));
  reply(success({{"Data", json::object{{"FileSummary", std::move(rows)}}},
                 {"CurrentPage", found->asked.page},
                 {"PageSize", found->asked.size},
                 {"PageCount", found->page_count()},
                 {"Total", found->total}}));
}

void query_device_file(Services& services, const Call& call, Reply reply) {
  if (services.device_files == nullptr) return reply(not_offered());
  const auto found = services.device_files->find(call.device(), call.parameters.text("FileId"));
  if (!found) return reply(refusal(found.problem()));
  if (services.files == nullptr || !services.files->is_offered())
    return reply(refusal("tercet.file.NotOffered",
                         "Files are fetched over HTTPS, and this platform has no port for it: set [files]."));
  json::object data = row_of(*found);
  data["DownloadUrl"] = services.files->link("/files/device/" + found->id, services.loop.wall());
  reply(success({{"Data", std::move(data)}}));
}

void delete_device_file(Services& services, const Call& call, Reply reply) {
  if (services.device_files == nullptr) return reply(not_offered());
  const auto done = services.device_files->remove(call.device(), call.parameters.text("FileId"));
  reply(done ? success() : refusal(done.problem()));
}

}  // namespace tercet::openapi
