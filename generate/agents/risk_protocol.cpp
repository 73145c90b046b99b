#include "generate/agents/risk_protocol.h"

#include "core/files.h"
#include "core/text.h"
#include "generate/agents/prompt_template.h"

namespace sqpsych {

RiskProtocol read_risk_protocol(const std::filesystem::path& path) {
  const auto source = read_file(path);
  auto sections = read_sections(source, path.string(), {"instructions", "resources"});
  for (const char* name : {"instructions", "resources"})
    if (sections[name].empty())
      throw FormatError(format("{}: sections: found no text below '[[{}]]', expected some.",
                               path.string(), name));
  return {sections["instructions"], replace_all(sections["resources"], "\n", " "), source};
}

}  // namespace sqpsych
