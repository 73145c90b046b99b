#include "models/weights/gguf_types.h"

namespace sqpsych {

std::string gguf_type_name(const GgufValue& value) {
  static constexpr const char* kNames[] = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                           "bool", "string", "array", "u64", "i64", "f64"};
  return std::visit(
      []<class T>(const T&) {
        using Element = GgufElement<T>;
        const std::string name = kNames[gguf_scalar_type_id<typename Element::Type>()];
        return Element::kIsArray ? name + "[]" : name;
      },
      value);
}

}  // namespace sqpsych
