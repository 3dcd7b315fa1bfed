// The one file of this module that knows Boost.JSON.
#include <boost/json.hpp>
#include <charconv>
#include <limits>
#include <map>
#include <set>

#include "platform/thing/model.h"
#include "tercet/base/check.h"

namespace tercet::thing {

namespace bj = boost::json;

namespace {

constexpr std::size_t kMaxStructMembers = 50;
constexpr std::size_t kMaxChoices = 100;
constexpr std::size_t kMaxParameters = 100;
constexpr std::uint32_t kMaxText = 10'240;
constexpr std::uint32_t kMaxArray = 512;

[[noreturn]] void refuse(std::string path, std::string what, std::string remedy) {
  throw TslProblem{std::move(path), std::move(what), std::move(remedy)};
}

std::string at(const std::string& path, std::string_view key) { return path + "." + std::string(key); }
std::string at(const std::string& path, std::size_t index) { return path + "[" + std::to_string(index) + "]"; }

std::string_view view(const bj::string& text) { return {text.data(), text.size()}; }

const bj::object& object_of(const bj::value& value, const std::string& path) {
  if (!value.is_object()) refuse(path, "this must be an object", "write {...} here");
  return value.get_object();
}

/// The array under `key`, or nothing when it is missing or null.
const bj::array* array_of(const bj::object& in, std::string_view key, const std::string& path) {
  const auto* value = in.if_contains(key);
  if (value == nullptr || value->is_null()) return nullptr;
  if (!value->is_array()) refuse(at(path, key), "this must be an array", "write [...] here");
  return &value->get_array();
}

std::string text_of(const bj::object& in, std::string_view key, const std::string& path) {
  const auto* value = in.if_contains(key);
  if (value == nullptr || value->is_null()) return {};
  if (!value->is_string()) refuse(at(path, key), "this must be text", "put the value in double quotes");
  return std::string(view(value->get_string()));
}

/// A number as the TSL has it, text, or as people write it, a JSON number.
std::optional<double> number_of(const bj::object& in, std::string_view key, const std::string& path) {
  const auto* value = in.if_contains(key);
  if (value == nullptr || value->is_null()) return std::nullopt;
  if (value->is_number()) return value->to_number<double>();
  const std::string remedy = "write a number in double quotes, \"" + std::string(key) + "\":\"0\"";
  if (!value->is_string()) refuse(at(path, key), "this must be a number as text", remedy);
  const auto text = view(value->get_string());
  if (text.empty()) return std::nullopt;
  double out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{} || end != text.data() + text.size())
    refuse(at(path, key), "\"" + std::string(text) + "\" is no number", remedy);
  return out;
}

bool is_identifier(std::string_view text) {
  if (text.empty() || text.size() > 50) return false;
  for (const char c : text)
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_')) return false;
  return true;
}

bool is_reserved(std::string_view text) {
  return text == "set" || text == "get" || text == "post" || text == "time" || text == "value";
}

std::string identifier_of(const bj::object& in, const std::string& path) {
  auto identifier = text_of(in, "identifier", path);
  if (!is_identifier(identifier))
    refuse(at(path, "identifier"),
           identifier.empty() ? "the identifier is missing" : "\"" + identifier + "\" is no identifier",
           "use 1 to 50 letters, digits and underscores");
  if (is_reserved(identifier))
    refuse(at(path, "identifier"), "\"" + identifier + "\" is reserved",
           "set, get, post, time and value have a meaning of their own; choose another identifier");
  return identifier;
}

std::optional<DataType> type_named(std::string_view name_of_type) {
  for (int i = 0; i <= static_cast<int>(DataType::array); ++i)
    if (name(static_cast<DataType>(i)) == name_of_type) return static_cast<DataType>(i);
  return std::nullopt;
}

/// `{"type":"int","specs":{…}}` taken apart; `specs` may be missing.
struct TypeNode {
  DataType type;
  const bj::value* specs;
};

TypeNode type_of(const bj::object& in, const std::string& path) {
  const auto* type = in.if_contains("type");
  const bool is_text = type != nullptr && type->is_string();
  const auto found = is_text ? type_named(view(type->get_string())) : std::nullopt;
  if (!found) {
    const std::string shown =
        is_text ? "\"" + std::string(view(type->get_string())) + "\" is no data type" : "the data type is missing";
    refuse(at(path, "type"), shown,
           "use one of int, float, double, enum, bool, text, date, struct, array in lower case");
  }
  return {*found, in.if_contains("specs")};
}

bool is_builtin_event(const bj::object& event) {
  const auto* identifier = event.if_contains("identifier");
  return identifier != nullptr && identifier->is_string() && view(identifier->get_string()) == "post";
}
bool is_builtin_service(const bj::object& service) {
  const auto* identifier = service.if_contains("identifier");
  return identifier != nullptr && identifier->is_string() &&
         (view(identifier->get_string()) == "set" || view(identifier->get_string()) == "get");
}

}  // namespace

/// Fills a Model while walking the document; throws the first TslProblem.
class ModelParser {
 public:
  explicit ModelParser(Model& model) : model_(model) {}

  void parse(const bj::value& document) {
    const auto& root = object_of(document, "$");
    if (!root.contains("properties") && !root.contains("events") && !root.contains("services") &&
        !root.contains("functionBlocks"))
      refuse("$", "there are no properties, events, services or functionBlocks",
             "import the TSL itself: an object with these lists");
    if (const auto* schema = root.if_contains("schema"); schema != nullptr && schema->is_string())
      model_.schema_ = bj::serialize(*schema);
    if (const auto* profile = root.if_contains("profile"); profile != nullptr && profile->is_object())
      if (const auto* version = profile->get_object().if_contains("version");
          version != nullptr && version->is_string())
        model_.version_ = bj::serialize(*version);
    features(root, text_of(root, "functionBlockId", "$"), "$");
    if (const auto* blocks = array_of(root, "functionBlocks", "$")) modules(*blocks);
    write_features(root);
    model_.seal();
  }

 private:
  void modules(const bj::array& blocks) {
    const std::string path = "$.functionBlocks";
    if (blocks.size() > Model::kMaxModules)
      refuse(path, "there are more than 200 modules", "merge modules, or split the product");
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      const auto& block = object_of(blocks[i], at(path, i));
      const auto id = text_of(block, "functionBlockId", at(path, i));
      if (!is_identifier(id))
        refuse(at(at(path, i), "functionBlockId"), "the module has no usable functionBlockId",
               "use 1 to 50 letters, digits and underscores");
      features(block, id, at(path, i));
    }
  }

  void features(const bj::object& in, const std::string& module, const std::string& path) {
    const std::string prefix = module.empty() || module == "default" ? "" : module + ":";
    std::size_t count = 0;
    if (const auto* list = array_of(in, "properties", path))
      for (std::size_t i = 0; i < list->size(); ++i, ++count)
        property((*list)[i], prefix, at(at(path, "properties"), i));
    if (const auto* list = array_of(in, "events", path))
      for (std::size_t i = 0; i < list->size(); ++i, ++count) event((*list)[i], prefix, at(at(path, "events"), i));
    if (const auto* list = array_of(in, "services", path))
      for (std::size_t i = 0; i < list->size(); ++i, ++count) service((*list)[i], prefix, at(at(path, "services"), i));
    if (count > Model::kMaxFeatures + 3)
      refuse(path, "there are more than 300 features in one module", "spread them over modules (functionBlocks)");
  }

  void property(const bj::value& node, const std::string& prefix, const std::string& path) {
    const auto& in = object_of(node, path);
    if (in.contains("rwFlag") || in.contains("dataSpecs") || in.contains("dataSpecsList"))
      refuse(path, "this is the ThingModelJson form (rwFlag, dataSpecs), not TSL",
             "export the model as TSL, with accessMode and dataType.specs");
    Property out;
    out.identifier = unique(properties_seen_, prefix + identifier_of(in, path), path);
    out.name = text_of(in, "name", path);
    out.access = access_of(in, path);
    if (const auto* required = in.if_contains("required"); required != nullptr && required->is_bool())
      out.required = required->get_bool();
    out.spec = data_type(in, path, true);
    out.unit = unit_of(in);
    model_.properties_.push_back(std::move(out));
  }

  void event(const bj::value& node, const std::string& prefix, const std::string& path) {
    const auto& in = object_of(node, path);
    if (is_builtin_event(in)) return;
    Event out;
    out.identifier = unique(events_seen_, prefix + identifier_of(in, path), path);
    out.name = text_of(in, "name", path);
    out.type = text_of(in, "type", path);
    if (out.type.empty()) out.type = "info";
    if (out.type != "info" && out.type != "alert" && out.type != "error")
      refuse(at(path, "type"), "\"" + out.type + "\" is no event type", "use info, alert or error");
    const auto [first, count] = parameters(in, "outputData", path);
    out.first_output = first, out.output_count = count;
    model_.events_.push_back(std::move(out));
  }

  void service(const bj::value& node, const std::string& prefix, const std::string& path) {
    const auto& in = object_of(node, path);
    if (is_builtin_service(in)) return;
    Service out;
    out.identifier = unique(services_seen_, prefix + identifier_of(in, path), path);
    out.name = text_of(in, "name", path);
    const auto call = text_of(in, "callType", path);
    if (!call.empty() && call != "async" && call != "sync")
      refuse(at(path, "callType"), "\"" + call + "\" is no way to call", "use async or sync");
    out.synchronous = call == "sync";
    const auto [input, inputs] = parameters(in, "inputData", path);
    out.first_input = input, out.input_count = inputs;
    const auto [output, outputs] = parameters(in, "outputData", path);
    out.first_output = output, out.output_count = outputs;
    model_.services_.push_back(std::move(out));
  }

  static Access access_of(const bj::object& in, const std::string& path) {
    const auto access = text_of(in, "accessMode", path);
    if (access == "r") return Access::read;
    if (access == "rw") return Access::read_write;
    if (access == "w") return Access::write;
    refuse(at(path, "accessMode"), access.empty() ? "accessMode is missing" : "\"" + access + "\" is no access mode",
           "use r (read), rw (read and write) or w");
  }

  static std::string unit_of(const bj::object& in) {
    const auto& specs = in.at("dataType").get_object();
    const auto* node = specs.if_contains("specs");
    if (node == nullptr || !node->is_object()) return {};
    const auto* unit = node->get_object().if_contains("unit");
    return unit != nullptr && unit->is_string() ? std::string(view(unit->get_string())) : std::string();
  }

  static std::string unique(std::set<std::string>& seen, std::string identifier, const std::string& path) {
    if (!seen.insert(identifier).second)
      refuse(at(path, "identifier"), "\"" + identifier + "\" is there twice", "give each its own identifier");
    return identifier;
  }

  struct Slice {
    std::uint32_t first, count;
  };
  /// Members are read first and then put into the model's table in one piece, because a struct among them puts its own
  /// members there while it is read.
  Slice store(std::vector<Member> members) {
    const auto first = static_cast<std::uint32_t>(model_.members_.size());
    const auto count = static_cast<std::uint32_t>(members.size());
    for (auto& member : members) model_.members_.push_back(std::move(member));
    return {first, count};
  }

  Slice parameters(const bj::object& in, std::string_view key, const std::string& path) {
    const auto* list = array_of(in, key, path);
    if (list == nullptr) return {0, 0};
    if (list->size() > kMaxParameters)
      refuse(at(path, key), "there are more than 100 parameters", "put some of them into a struct");
    return store(read_members(*list, at(path, key), true));
  }

  std::vector<Member> read_members(const bj::array& list, const std::string& path, bool may_nest) {
    std::vector<Member> out;
    std::set<std::string> seen;
    for (std::size_t i = 0; i < list.size(); ++i) {
      const auto here = at(path, i);
      const auto& in = object_of(list[i], here);
      Member member;
      member.identifier = unique(seen, identifier_of(in, here), here);
      member.name = text_of(in, "name", here);
      member.spec = data_type(in, here, may_nest);
      out.push_back(std::move(member));
    }
    return out;
  }

  Spec data_type(const bj::object& in, const std::string& path, bool may_nest) {
    const auto* node = in.if_contains("dataType");
    if (node == nullptr) refuse(at(path, "dataType"), "dataType is missing", "add {\"type\":\"int\",\"specs\":{...}}");
    const auto here = at(path, "dataType");
    const auto [type, specs] = type_of(object_of(*node, here), here);
    const auto below = at(here, "specs");
    Spec out;
    out.type = type;
    if (!may_nest && (type == DataType::structure || type == DataType::array))
      refuse(here, "a struct may hold neither struct nor array", "flatten it: two levels are the limit");
    if (type == DataType::structure) return struct_spec(out, specs, below);
    static const bj::value kNoSpecs(bj::object_kind);
    const auto& limits = object_of(specs == nullptr || specs->is_null() ? kNoSpecs : *specs, below);
    switch (type) {
      case DataType::int32:
      case DataType::float32:
      case DataType::float64:
        return number_spec(out, limits, below);
      case DataType::enumeration:
        return enum_spec(out, limits, below);
      case DataType::text:
        out.limit = size_of(limits, "length", kMaxText, below);
        return out;
      case DataType::array:
        return array_spec(out, limits, below);
      default:
        return out;
    }
  }

  static Spec number_spec(Spec out, const bj::object& limits, const std::string& path) {
    if (const auto min = number_of(limits, "min", path)) out.has_min = true, out.min = *min;
    if (const auto max = number_of(limits, "max", path)) out.has_max = true, out.max = *max;
    if (out.has_min && out.has_max && out.min > out.max)
      refuse(at(path, "min"), "min is larger than max", "make min smaller than or equal to max");
    if (const auto step = number_of(limits, "step", path); step && *step != 0) {
      if (*step < 0) refuse(at(path, "step"), "step is negative", "use a positive step");
      out.has_step = true, out.step = *step;
    }
    return out;
  }

  Spec enum_spec(Spec out, const bj::object& choices, const std::string& path) {
    if (choices.empty()) refuse(path, "an enum without choices", "add them: {\"0\":\"off\",\"1\":\"on\"}");
    if (choices.size() > kMaxChoices) refuse(path, "more than 100 choices", "use int, or several enums");
    std::map<std::int32_t, std::string> found;
    for (const auto& [key, text] : choices) {
      std::int32_t number = 0;
      const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), number);
      if (error != std::errc{} || end != key.data() + key.size())
        refuse(at(path, {key.data(), key.size()}), "the name of a choice must be a whole number",
               "write {\"0\":\"text\",\"1\":\"text\"}");
      found[number] = text.is_string() ? std::string(view(text.get_string())) : std::string();
    }
    out.first_choice = static_cast<std::uint32_t>(model_.choices_.size());
    out.choice_count = static_cast<std::uint32_t>(found.size());
    for (auto& [number, name_of_choice] : found) {
      model_.choices_.push_back(number);
      model_.choice_names_.push_back(std::move(name_of_choice));
    }
    return out;
  }

  Spec struct_spec(Spec out, const bj::value* specs, const std::string& path) {
    if (specs == nullptr || !specs->is_array())
      refuse(path, "specs of a struct must be an array of members", "write [{\"identifier\":...,\"dataType\":{...}}]");
    const auto& list = specs->get_array();
    if (list.empty()) refuse(path, "a struct without members", "add at least one member");
    if (list.size() > kMaxStructMembers) refuse(path, "more than 50 members", "split the struct");
    const auto [first, count] = store(read_members(list, path, false));
    out.first_member = first, out.member_count = count;
    return out;
  }

  Spec array_spec(Spec out, const bj::object& limits, const std::string& path) {
    out.limit = size_of(limits, "size", kMaxArray, path);
    const auto* item = limits.if_contains("item");
    if (item == nullptr) refuse(at(path, "item"), "an array without item", "add \"item\":{\"type\":\"int\"}");
    const auto here = at(path, "item");
    const auto [type, specs] = type_of(object_of(*item, here), here);
    if (type != DataType::int32 && type != DataType::float32 && type != DataType::float64 && type != DataType::text &&
        type != DataType::structure)
      refuse(at(here, "type"), "an array cannot hold " + std::string(name(type)),
             "use int, float, double, text or struct");
    if (type == DataType::structure) out = struct_spec(out, specs, at(here, "specs"));
    out.item = type;
    return out;
  }

  static std::uint32_t size_of(const bj::object& limits, std::string_view key, std::uint32_t most,
                               const std::string& path) {
    const auto size = number_of(limits, key, path);
    if (!size) return most;
    if (*size < 1 || *size > most || *size != static_cast<double>(static_cast<std::uint32_t>(*size)))
      refuse(at(path, key), "this must be a whole number from 1 to " + std::to_string(most),
             "write \"" + std::string(key) + "\":\"" + std::to_string(most) + "\" or less");
    return static_cast<std::uint32_t>(*size);
  }

  // What goes out again: the imported features, and the automatic ones made anew.

  void write_features(const bj::object& root) {
    static const bj::array kNone;
    const auto list = [&](std::string_view key) -> const bj::array& {
      const auto* found = array_of(root, key, "$");
      return found == nullptr ? kNone : *found;
    };
    const auto& properties = list("properties");
    bj::object out;
    out["properties"] = properties;
    out["events"] = events_out(list("events"), properties);
    out["services"] = services_out(list("services"), properties);
    if (const auto* blocks = array_of(root, "functionBlocks", "$")) out["functionBlocks"] = *blocks;
    model_.features_ = without_braces(bj::serialize(out));
    bj::object simple;
    for (const auto key : {"properties", "events", "services"}) simple[key] = simplified(out[key].get_array());
    if (const auto* blocks = out.if_contains("functionBlocks"))
      simple["functionBlocks"] = simplified(blocks->get_array());
    model_.simple_features_ = without_braces(bj::serialize(simple));
  }

  static std::string without_braces(std::string object) { return object.substr(1, object.size() - 2); }

  static bj::object parameter(const bj::object& property) {
    bj::object out;
    for (const auto key : {"identifier", "name", "dataType"})
      if (const auto* value = property.if_contains(key)) out[key] = *value;
    return out;
  }

  static bj::array events_out(const bj::array& imported, const bj::array& properties) {
    bj::array outputs;
    for (const auto& property : properties) outputs.push_back(parameter(property.get_object()));
    bj::array out;
    out.push_back(bj::object{{"identifier", "post"},
                             {"name", "post"},
                             {"type", "info"},
                             {"required", true},
                             {"desc", "property post"},
                             {"method", "thing.event.property.post"},
                             {"outputData", std::move(outputs)}});
    for (const auto& event : imported) {
      if (is_builtin_event(event.get_object())) continue;
      bj::object copy = event.get_object();
      if (!copy.contains("method"))
        copy["method"] = "thing.event." + std::string(view(copy["identifier"].get_string())) + ".post";
      out.push_back(std::move(copy));
    }
    return out;
  }

  static bj::array services_out(const bj::array& imported, const bj::array& properties) {
    bj::array writable, identifiers, readable;
    for (const auto& node : properties) {
      const auto& property = node.get_object();
      const auto access = view(property.at("accessMode").get_string());
      if (access != "r") writable.push_back(parameter(property));
      if (access == "w") continue;
      readable.push_back(parameter(property));
      identifiers.push_back(property.at("identifier"));
    }
    bj::array out;
    out.push_back(bj::object{{"identifier", "set"},
                             {"name", "set"},
                             {"required", true},
                             {"callType", "async"},
                             {"desc", "property set"},
                             {"method", "thing.service.property.set"},
                             {"inputData", std::move(writable)},
                             {"outputData", bj::array{}}});
    out.push_back(bj::object{{"identifier", "get"},
                             {"name", "get"},
                             {"required", true},
                             {"callType", "async"},
                             {"desc", "property get"},
                             {"method", "thing.service.property.get"},
                             {"inputData", std::move(identifiers)},
                             {"outputData", std::move(readable)}});
    for (const auto& service : imported) {
      if (is_builtin_service(service.get_object())) continue;
      bj::object copy = service.get_object();
      if (!copy.contains("method"))
        copy["method"] = "thing.service." + std::string(view(copy["identifier"].get_string()));
      out.push_back(std::move(copy));
    }
    return out;
  }

  /// The same tree with nothing but identifiers, data types and the lists that hold them.
  static bj::array simplified(const bj::array& list) {
    bj::array out;
    for (const auto& node : list) {
      if (!node.is_object()) {
        out.push_back(node);
        continue;
      }
      bj::object copy;
      for (const auto& [key, value] : node.get_object()) {
        const std::string_view name_of_key{key.data(), key.size()};
        if (name_of_key == "identifier" || name_of_key == "dataType" || name_of_key == "functionBlockId")
          copy[key] = value;
        else if (value.is_array())
          copy[key] = simplified(value.get_array());
      }
      out.push_back(std::move(copy));
    }
    return out;
  }

  Model& model_;
  std::set<std::string> properties_seen_, events_seen_, services_seen_;
};

Compilation Model::compile(std::string_view tsl) {
  if (tsl.size() > kMaxTslBytes)
    return {nullptr, TslProblem{"$", "the TSL is larger than 256 KB", "split the product, or shorten descriptions"}};
  bj::error_code error;
  bj::stream_parser parser;
  const auto used = parser.write_some(tsl.data(), tsl.size(), error);
  if (!error && used == tsl.size()) parser.finish(error);
  if (error || used != tsl.size()) {
    const std::string what = error ? "not JSON: " + error.message() : "not JSON: something follows the document";
    return {nullptr, TslProblem{"byte " + std::to_string(used), what, "check commas, quotes and brackets there"}};
  }
  try {
    auto model = std::make_shared<Model>();
    ModelParser(*model).parse(parser.release());
    return {std::move(model), std::nullopt};
  } catch (TslProblem& problem) {
    return {nullptr, std::move(problem)};
  } catch (const std::exception& unforeseen) {
    return {nullptr, TslProblem{"$", unforeseen.what(), "simplify the document"}};
  }
}

}  // namespace tercet::thing
