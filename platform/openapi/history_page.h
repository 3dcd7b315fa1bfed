#pragma once
#include <boost/json/object.hpp>
#include <optional>
#include <string_view>

#include "platform/openapi/answer.h"
#include "platform/openapi/parameters.h"
#include "platform/thing/history.h"

namespace tercet::openapi {

// What every query of a device's history has in common.

/// StartTime, EndTime (either order), Asc and PageSize; or what is wrong with them.
std::optional<thing::Range> range_of(const Parameters& given, Answer& wrong);
/// The disk did not give it; also in the log.
Answer not_readable(registry::ApiCode code);
/// NextValid and NextTime.
void put_paging(boost::json::object& into, const thing::Paging& paging);

}  // namespace tercet::openapi
