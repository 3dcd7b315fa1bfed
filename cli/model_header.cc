#include "cli/model_header.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <vector>

#include "cli/model_names.h"

namespace tercet::cli {
namespace {

using thing::DataType;

/// A field of a generated struct.
struct Part {
  std::string identifier, name, type, comment;
  const thing::Spec* spec;
};

enum class Way { out, in };  ///< an array that goes out is a span, one that comes is Items

/// What a person reads beside a name: one line, no end of a comment and no continuation in it.
std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) out += static_cast<unsigned char>(c) < 0x20 || c == '\\' ? ' ' : c;
  return out;
}

std::string literal(double value) {
  std::array<char, 32> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  static_cast<void>(error);  // the shortest form of any double fits
  return {digits.data(), end};
}

std::string bounds_of(const Part& part) {
  const thing::Spec& spec = *part.spec;
  std::string out = "{.identifier = \"" + part.identifier + "\"";
  if (spec.has_min && std::isfinite(spec.min)) out += ", .min = " + literal(spec.min);
  if (spec.has_max && std::isfinite(spec.max)) out += ", .max = " + literal(spec.max);
  if (spec.limit != 0) out += ", .most = " + std::to_string(spec.limit);
  return out + "}";
}

std::string limits_in_words(const thing::Spec& spec) {
  std::string out;
  if (spec.has_min && std::isfinite(spec.min)) out += literal(spec.min);
  if ((spec.has_min && std::isfinite(spec.min)) || (spec.has_max && std::isfinite(spec.max))) out += "..";
  if (spec.has_max && std::isfinite(spec.max)) out += literal(spec.max);
  if (spec.type == DataType::text) out = "at most " + std::to_string(spec.limit) + " characters";
  if (spec.type == DataType::array) out = "at most " + std::to_string(spec.limit) + " elements";
  return out;
}

class HeaderWriter {
 public:
  HeaderWriter(const thing::Model& model, std::string_view name_space) : model_(model) {
    for (const char* own : {"Report", "Wanted", "Handler"}) static_cast<void>(types_.type(own));
    name_space_ = name_space;
  }

  std::string write(std::string_view source) {
    out_ = "// Made by `tercet model` of " + one_line(source) +
           ": change the model and make this anew (docs/typed-model.md).\n"
           "// clang-format off\n"
           "#pragma once\n"
           "#include \"tercet/device/typed.h\"\n\n"
           "namespace " +
           name_space_ + " {\n";
    properties();
    events();
    services();
    handler();
    out_ += "\n}  // namespace " + name_space_ + "\n// clang-format on\n";
    return std::move(out_);
  }

 private:
  void line(const std::string& text) { out_ += text + "\n"; }

  // Types of single values; enums and structs are written when they are met first.

  std::string scalar(DataType type) {
    switch (type) {
      case DataType::int32:
        return "::std::int32_t";
      case DataType::float32:
        return "float";
      case DataType::float64:
        return "double";
      case DataType::boolean:
        return "bool";
      case DataType::text:
        return "::std::string_view";
      default:
        return "::tercet::UnixMillis";
    }
  }

  std::string type_of(const std::string& path, const std::string& what, const thing::Spec& spec, Way way) {
    if (spec.type == DataType::enumeration) return enumeration(path, what, spec);
    if (spec.type == DataType::structure) return structure(path, what, spec);
    if (spec.type != DataType::array) return scalar(spec.type);
    const std::string item = spec.item == DataType::structure ? structure(path, what, spec) : scalar(spec.item);
    return way == Way::out ? "::std::span<const " + item + ">" : "::tercet::device::Items<" + item + ">";
  }

  std::string enumeration(const std::string& path, const std::string& what, const thing::Spec& spec) {
    if (const auto made = made_.find(path); made != made_.end()) return made->second;
    const std::string type = types_.type(std::string_view(path).substr(2));
    made_[path] = "::" + name_space_ + "::" + type;
    const auto choices = model_.choices(spec);
    const auto texts = model_.choice_names(spec);
    line("\n/// " + what);
    line("enum class " + type + " : std::int32_t {");
    ModelNames names;
    std::string cases;
    for (std::size_t i = 0; i < choices.size(); ++i) {
      const std::string name = names.choice(texts[i], choices[i]);
      const bool is_lowest = choices[i] == std::numeric_limits<std::int32_t>::min();
      const std::string number = is_lowest ? "-2147483647 - 1" : std::to_string(choices[i]);
      const std::string text = one_line(texts[i]);
      line("  " + name + " = " + number + "," + (text.empty() ? "" : "  ///< " + text));
      cases += "    case " + type + "::" + name + ":\n";
    }
    line("};");
    line("constexpr bool is_choice(" + type + " value) {\n  switch (value) {\n" + cases +
         "      return true;\n  }\n  return false;\n}");
    return made_[path];
  }

  std::string structure(const std::string& path, const std::string& what, const thing::Spec& spec) {
    if (const auto made = made_.find(path); made != made_.end()) return made->second;
    const auto parts = parts_of(model_.members(spec), path, Way::out);
    const std::string type = types_.type(std::string_view(path).substr(2));
    made_[path] = "::" + name_space_ + "::" + type;
    group(type, what, parts);
    return made_[path];
  }

  std::vector<Part> parts_of(std::span<const thing::Member> members, const std::string& path, Way way) {
    std::vector<Part> parts;
    ModelNames names;
    for (const auto& member : members) {
      const std::string what = describe(member.name, member.identifier);
      parts.push_back({member.identifier, names.value(member.identifier),
                       type_of(path + "/" + member.identifier, what, member.spec, way), comment(what, "", member.spec),
                       &member.spec});
    }
    return parts;
  }

  static std::string describe(const std::string& name, const std::string& identifier) {
    return one_line(name.empty() ? identifier : name);
  }
  static std::string comment(std::string what, const std::string& unit, const thing::Spec& spec) {
    if (!unit.empty()) what += ", " + one_line(unit);
    if (const auto limits = limits_in_words(spec); !limits.empty()) what += ", " + limits;
    return what;
  }

  /// A struct of fields, and the function that walks them.
  void group(const std::string& type, const std::string& what, const std::vector<Part>& parts) {
    line("\n/// " + what);
    line("struct " + type + " {");
    for (const Part& part : parts)
      line("  ::tercet::device::Field<" + part.type + "> " + part.name + "{};  ///< " + part.comment);
    line("};");
    line("template <typename Group, typename Visit>");
    line("requires(std::same_as<std::remove_const_t<Group>, " + type +
         ">) constexpr void for_each_field([[maybe_unused]] Group& group, [[maybe_unused]] Visit&& visit) {");
    for (const Part& part : parts)
      line("  visit(tercet::device::Bounds" + bounds_of(part) + ", group." + part.name + ");");
    line("}");
  }

  // Features.

  void properties() {
    std::vector<Part> readable, writable;
    ModelNames names;
    for (const auto& property : model_.properties()) {
      const std::string what = describe(property.name, property.identifier);
      const std::string name = names.value(property.identifier);
      const std::string remark = comment(what, property.unit, property.spec);
      const auto part = [&](Way way) {
        return Part{property.identifier, name, type_of("p/" + property.identifier, what, property.spec, way), remark,
                    &property.spec};
      };
      if (property.access != thing::Access::write) readable.push_back(part(Way::out));
      if (property.access != thing::Access::read) writable.push_back(part(Way::in));
    }
    group("Report", "The properties: tercet::device::post(device, Report{...}) posts those that are set.", readable);
    line("constexpr void is_report(const Report&) {}");
    group("Wanted", "The properties that the platform may set; those that it does set are set.", writable);
    has_wanted_ = !writable.empty();
  }

  void events() {
    for (const auto& event : model_.events()) {
      const auto parts = parts_of(model_.outputs(event), "e/" + event.identifier, Way::out);
      const std::string type = types_.type(event.identifier, "Event");
      group(type,
            describe(event.name, event.identifier) + " (" + event.type + "): tercet::device::post(device, " + type +
                "{...})",
            parts);
      line("constexpr std::string_view event_identifier(const " + type + "&) { return \"" + event.identifier + "\"; }");
    }
  }

  struct Call {
    std::string identifier, method, input, output, member;
  };

  void services() {
    ModelNames names;
    for (const auto& service : model_.services()) {
      const std::string what = describe(service.name, service.identifier);
      const auto inputs = parts_of(model_.inputs(service), "s/" + service.identifier + "/input", Way::in);
      Call call{service.identifier,
                names.value("serve_" + service.identifier),
                types_.type(service.identifier, "Input"),
                types_.type(service.identifier, "Output"),
                {}};
      call.member = call.method + "_output_";
      group(call.input, what + ": inputs", inputs);
      group(call.output, what + ": outputs",
            parts_of(model_.outputs(service), "s/" + service.identifier + "/output", Way::out));
      calls_.push_back(std::move(call));
    }
  }

  void handler() {
    if (!has_wanted_ && calls_.empty()) return;
    line(
        "\n/// The board's side of the model: derive from it and hand it to the Device. Each function returns the code "
        "that is");
    line(
        "/// answered: 200; 400 could not be done, 429 too busy, 100000..110000 the device's own. What it is handed "
        "lives during");
    line("/// the call; texts and arrays that it puts into its answer live until the next one.");
    line("class Handler : public tercet::device::DeviceEvents {");
    line(" public:");
    if (has_wanted_) {
      line(
          "  /// All that is wanted is in the model's ranges. What is put into `now` is posted behind the answer (8 of "
          "them).");
      line("  virtual std::int32_t change(const Wanted& wanted, Report& now) = 0;");
    }
    for (const Call& call : calls_) {
      if (&call == &calls_.front())
        line("  // Services, with Options::services. Inputs that did not come are not set.");
      line("  virtual std::int32_t " + call.method + "(const " + call.input + "& input, " + call.output +
           "& output) = 0;");
    }
    line("\n protected:\n  ~Handler() = default;\n\n private:");
    if (has_wanted_) {
      line("  void on_set(tercet::device::PropertySet& set) final {");
      line("    Wanted wanted;\n    if (!tercet::device::read(set, wanted)) return;\n    now_ = Report{};");
      line("    const std::int32_t code = change(wanted, now_);");
      line("    if (code != 200) return set.refuse(code);");
      line("    tercet::device::confirm(set, now_);\n  }");
    }
    if (!calls_.empty()) {
      line("  void on_service(tercet::device::ServiceCall& call) final {");
      for (const Call& call : calls_) {
        line("    if (call.identifier() == \"" + call.identifier + "\") {");
        line("      " + call.input + " input;");
        line("      if (!tercet::device::read(call, input)) return;");
        line("      " + call.member + " = " + call.output + "{};");
        line("      const std::int32_t code = " + call.method + "(input, " + call.member + ");");
        line("      if (code != 200) return call.refuse(code);");
        line("      tercet::device::answer(call, " + call.member + ");\n      return;\n    }");
      }
      line("    call.refuse(460);\n  }");
    }
    if (has_wanted_) line("  Report now_;");
    for (const Call& call : calls_) line("  " + call.output + " " + call.member + ";");
    line("};");
  }

  const thing::Model& model_;
  std::string name_space_, out_;
  ModelNames types_;
  std::map<std::string, std::string> made_;  ///< kind and path in the model -> name of the type
  std::vector<Call> calls_;
  bool has_wanted_ = false;
};

}  // namespace

std::string model_header(const thing::Model& model, std::string_view source, std::string_view name_space) {
  return HeaderWriter(model, name_space).write(source);
}

}  // namespace tercet::cli
