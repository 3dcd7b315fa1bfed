#include <boost/json/array.hpp>
#include <unordered_map>

#include "platform/openapi/handlers.h"
#include "platform/openapi/utc_time.h"

namespace tercet::openapi {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostRefusals = 1000;

json::object row_of(const registry::JournalEntry& entry, registry::Language language) {
  const broker::Refusal& what = entry.refusal;
  const registry::CauseInWords words = registry::in_words(what.cause, language);
  return {{"Id", std::to_string(entry.id)},
          {"Time", utc_millis(what.at)},
          {"Timestamp", what.at.ms},
          {"Name", what.name},
          {"Known", entry.known},
          {"Address", what.address},
          {"ClientId", what.client_id},
          {"Stage", registry::name(what.stage)},
          {"Code", what.code},
          {"Cause", what.cause},
          {"Explanation", words.cause},
          {"Evidence", what.evidence},
          {"Remedy", words.remedy},
          {"Warning", what.warning}};
}

}  // namespace

void query_refusals(Services& services, const Call& call, Reply reply) {
  const Parameters& given = call.parameters;
  registry::JournalFilter filter;
  if (given.has("IotId")) {
    const auto found = services.registry.device(call.device());
    if (!found) return reply(refusal(found.problem()));
    filter.name = found->device.product + "/" + found->device.name;
  } else if (given.has("DeviceName")) {  // of names that no device has, too
    filter.name = std::string(given.text("ProductKey")).append("/").append(given.text("DeviceName"));
  } else if (given.has("Name")) {
    filter.name = given.text("Name");
  } else {
    filter.product = given.text("ProductKey");
  }
  if (given.has("Stage")) {
    filter.stage = registry::find_stage(given.text("Stage"));
    if (!filter.stage)
      return reply(
          gateway_error(400, "InvalidStage", "Stage is transport, connect, subscribe, publish, message or api."));
  }
  filter.warning = given.flag("Warning");
  if (const auto from = given.number("StartTime")) filter.from = UnixMillis{*from};
  if (const auto until = given.number("EndTime")) filter.until = UnixMillis{*until};
  if (const auto before = given.number("BeforeId"); before && *before > 0)
    filter.before_id = static_cast<std::uint64_t>(*before);
  const auto page = page_of(given, "CurrentPage", 50, kMostRefusals);
  if (!page) return reply(bad_page(kMostRefusals));
  filter.limit = page->size;

  services.journal.flush();
  json::array rows;
  for (const registry::JournalEntry& entry : services.journal.query(filter))
    rows.push_back(row_of(entry, call.language));
  const bool more = rows.size() == filter.limit;  // the next page: BeforeId = the Id of the last row
  reply(success({{"Data", json::object{{"Refusal", std::move(rows)}}}, {"NextValid", more}}));
}

void list_refusal_names(Services& services, const Call& call, Reply reply) {
  struct Tally {
    registry::JournalEntry newest;
    std::int64_t count = 0;
  };
  services.journal.flush();
  registry::JournalFilter filter;
  filter.product = call.parameters.text("ProductKey");
  filter.limit = kMostRefusals;
  std::vector<Tally> tallies;  // newest name first
  std::unordered_map<std::string, std::size_t> at;
  for (registry::JournalEntry& entry : services.journal.query(filter)) {
    const auto [it, is_new] = at.emplace(entry.refusal.name, tallies.size());
    if (is_new) tallies.push_back({std::move(entry), 0});
    ++tallies[it->second].count;
  }
  json::array rows;
  for (const Tally& tally : tallies)
    rows.push_back(json::object{{"Name", tally.newest.refusal.name},
                                {"Known", tally.newest.known},
                                {"Count", tally.count},
                                {"LastTime", utc_millis(tally.newest.refusal.at)},
                                {"LastCause", tally.newest.refusal.cause}});
  reply(success({{"Data", json::object{{"RefusalName", std::move(rows)}}}}));
}

}  // namespace tercet::openapi
