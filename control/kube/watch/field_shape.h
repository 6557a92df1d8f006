// Which fields of an object are kept while its JSON is read; the rest is never in memory.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::control {

// A shape says what is kept of a map; of a list, it is what is kept of each element.
struct FieldShape {
  std::string name;                // of the field; "" for a whole object
  bool others = true;              // whether fields without a shape of their own are kept
  std::vector<FieldShape> fields;  // few: they are searched one after the other

  // The field and all in it.
  static FieldShape All(std::string field) { return {std::move(field), true, {}}; }
  // The field, and of it only `fields`.
  static FieldShape Only(std::string field, std::vector<FieldShape> fields) {
    return {std::move(field), false, std::move(fields)};
  }
  // The field, and nothing of it: an empty map, an empty list or a scalar.
  static FieldShape None(std::string field) { return {std::move(field), false, {}}; }

  // The shape of `field`'s value; null if the field is dropped.
  const FieldShape* Find(std::string_view field) const {
    static const FieldShape whole;
    const auto found = std::ranges::find(fields, field, &FieldShape::name);
    if (found != fields.end()) return &*found;
    return others ? &whole : nullptr;
  }
};

}  // namespace sluice::control
