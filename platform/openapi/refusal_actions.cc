#include <boost/json/array.hpp>

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

/// The filter's numbers and flag; an error when one is there and is none.
std::optional<Answer> read_bounds(const Parameters& given, registry::JournalFilter& filter) {
  for (const std::string_view name : {"StartTime", "EndTime", "BeforeId"}) {
    if (!given.has(name)) continue;
    const auto number = given.number(name);
    if (!number || *number < (name == "BeforeId" ? 1 : 0))
      return gateway_error(registry::ParameterCode::invalid(name),
                           name == "BeforeId" ? "BeforeId is the Id of a refusal."
                                              : std::string(name) + " is in milliseconds since 1970.");
    if (name == "StartTime") filter.from = UnixMillis{*number};
    if (name == "EndTime") filter.until = UnixMillis{*number};
    if (name == "BeforeId") filter.before_id = static_cast<std::uint64_t>(*number);
  }
  filter.warning = given.flag("Warning");
  if (given.has("Warning") && !filter.warning) return gateway_error(400, "InvalidWarning", "Warning is true or false.");
  return std::nullopt;
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
  if (auto wrong = read_bounds(given, filter)) return reply(std::move(*wrong));
  const auto page = page_of(given, "CurrentPage", 50, kMostRefusals);
  if (!page) return reply(bad_page(kMostRefusals));
  if (page->page > kMostRefusals / page->size)
    return reply(
        refusal("iot.common.InvalidPageParams", "CurrentPage reaches the newest " + std::to_string(kMostRefusals) +
                                                    " entries only. Go on with BeforeId, the Id of the last row."));
  const std::size_t skipped = (page->page - 1) * page->size;
  filter.limit = skipped + page->size;

  services.journal.flush();
  const auto found = services.journal.query(filter);
  json::array rows;
  for (std::size_t i = skipped; i < found.size(); ++i) rows.push_back(row_of(found[i], call.language));
  const bool more = found.size() == filter.limit;  // the next page: BeforeId = the Id of the last row
  reply(success({{"Data", json::object{{"Refusal", std::move(rows)}}}, {"NextValid", more}}));
}

void list_refusal_names(Services& services, const Call& call, Reply reply) {
  const auto page = page_of(call.parameters, "CurrentPage", kMostRefusals, kMostRefusals);
  if (!page) return reply(bad_page(kMostRefusals));
  const auto found =
      services.journal.names(call.parameters.text("ProductKey"), (page->page - 1) * page->size, page->size);
  json::array rows;
  for (const registry::NameTally& tally : found.rows)
    rows.push_back(json::object{{"Name", tally.name},
                                {"Known", tally.known},
                                {"Count", tally.count},
                                {"LastTime", utc_millis(tally.last)},
                                {"LastCause", tally.last_cause}});
  reply(success({{"Data", json::object{{"RefusalName", std::move(rows)}}}, {"Total", found.total}}));
}

}  // namespace tercet::openapi
