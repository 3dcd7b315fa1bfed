#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tercet::thing {

/// The data types of a thing model (TSL).
enum class DataType : std::uint8_t { int32, float32, float64, enumeration, boolean, text, date, structure, array };
/// As the TSL spells it: "int", "float", "double", "enum", "bool", "text", "date", "struct", "array".
std::string_view name(DataType type);

/// What a value has to be. Small and flat: members and choices are ranges of the Model's own tables.
struct Spec {
  DataType type = DataType::int32;
  DataType item = DataType::int32;  ///< array: type of an element
  bool has_min = false, has_max = false, has_step = false;
  double min = 0, max = 0, step = 0;
  std::uint32_t limit = 0;                           ///< text: characters; array: elements; 0: none was given
  std::uint32_t first_member = 0, member_count = 0;  ///< struct, array of struct: Model::members()
  std::uint32_t first_choice = 0, choice_count = 0;  ///< enum: Model::choices(), ascending
};

/// A member of a struct, or a parameter of an event or a service.
struct Member {
  std::string identifier;
  std::string name;
  Spec spec;
};

enum class Access : std::uint8_t { read, write, read_write };

struct Property {
  std::string identifier;  ///< "temperature"; "module:temperature" in a custom module
  std::string name;
  std::string unit;
  Access access = Access::read;
  bool required = false;
  Spec spec;
};

struct Event {
  std::string identifier;
  std::string name;
  std::string type;                                  ///< info, alert, error
  std::uint32_t first_output = 0, output_count = 0;  ///< Model::members()
};

struct Service {
  std::string identifier;
  std::string name;
  bool synchronous = false;
  std::uint32_t first_input = 0, input_count = 0;
  std::uint32_t first_output = 0, output_count = 0;
};

/// What is wrong with a TSL, for the person who wrote it.
struct TslProblem {
  std::string path;    ///< "$.properties[2].dataType.specs.min"; "byte 117" when it is not JSON at all
  std::string what;    ///< "min is larger than max"
  std::string remedy;  ///< "make min smaller than or equal to max"
  std::string text() const { return path + ": " + what + " (" + remedy + ")"; }
};

class Model;
/// Exactly one of the two is there.
struct Compilation {
  std::shared_ptr<const Model> model;
  std::optional<TslProblem> problem;
};

/// Open-addressed look-up of identifiers, filled once. Gives positions in the vector it was built from.
class IdentifierTable {
 public:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;
  void build(std::vector<std::string_view> identifiers);
  /// The position of the only possible match, to be compared by the caller's own list; kNone when there is none.
  std::uint32_t find(std::string_view identifier) const;

 private:
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t index = kNone;
  };
  std::vector<Slot> slots_;
  std::vector<std::string_view> identifiers_;  ///< views into the model's own strings
};

/// A thing model compiled from its TSL JSON. Immutable, therefore shared between shards without locks. Compiling costs
/// about a microsecond per feature; looking a property up costs one hash and one comparison.
class Model {
 public:
  static constexpr std::size_t kMaxTslBytes = 256 * 1024;
  static constexpr std::size_t kMaxFeatures = 300;  ///< per module
  static constexpr std::size_t kMaxModules = 200;

  /// Any thread. The problem is the first one found, in reading order.
  static Compilation compile(std::string_view tsl);
  /// The model of a product into which none was imported.
  static const std::shared_ptr<const Model>& empty();

  Model() = default;
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  const std::vector<Property>& properties() const { return properties_; }
  const std::vector<Event>& events() const { return events_; }        ///< without the automatic `post`
  const std::vector<Service>& services() const { return services_; }  ///< without the automatic `set` and `get`
  const Property* find_property(std::string_view identifier) const;
  const Event* find_event(std::string_view identifier) const;
  const Service* find_service(std::string_view identifier) const;

  std::span<const Member> members(const Spec& spec) const {
    return {members_.data() + spec.first_member, spec.member_count};
  }
  std::span<const Member> outputs(const Event& event) const {
    return {members_.data() + event.first_output, event.output_count};
  }
  std::span<const Member> inputs(const Service& service) const {
    return {members_.data() + service.first_input, service.input_count};
  }
  std::span<const Member> outputs(const Service& service) const {
    return {members_.data() + service.first_output, service.output_count};
  }
  std::span<const std::int32_t> choices(const Spec& spec) const {
    return {choices_.data() + spec.first_choice, spec.choice_count};
  }
  /// What the model calls each of choices(), in the same order; "" where it has no text.
  std::span<const std::string> choice_names(const Spec& spec) const {
    return {choice_names_.data() + spec.first_choice, spec.choice_count};
  }

  /// The TSL as `dsltemplate/get` and GetThingModelTsl answer it: compact, with schema, link, profile of the product
  /// (and device, unless ""), the imported features, and the automatic `post`, `set` and `get`.
  std::string tsl(std::string_view product, std::string_view device = {}) const;
  /// The same with identifiers and data types only (GetThingModelTsl with Simple).
  std::string simple_tsl(std::string_view product) const;

 private:
  friend class ModelParser;
  void seal();

  std::vector<Property> properties_;
  std::vector<Event> events_;
  std::vector<Service> services_;
  std::vector<Member> members_;
  std::vector<std::int32_t> choices_;
  std::vector<std::string> choice_names_;
  IdentifierTable property_table_, event_table_, service_table_;
  std::string schema_, version_;  ///< JSON strings with their quotes, or ""
  std::string features_;          ///< `"properties":[…],"events":[…],"services":[…]…`
  std::string simple_features_;
};

}  // namespace tercet::thing
