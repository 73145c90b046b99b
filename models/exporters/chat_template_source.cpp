#include "models/exporters/chat_template_source.h"

#include "core/error.h"
#include "core/log.h"
#include "core/text.h"
#include "models/chat_templates/chat_template.h"

namespace sqpsych {
namespace {

ChatTemplateSource exported_source_of(const ChatTemplate& chat_template) {
  ChatTemplateSource source;
  source.jinja = chat_template.jinja_source();
  source.terminator = chat_template.terminator();
  source.is_chosen = true;
  if (chat_template.is_built_in()) source.builtin = chat_template.name();
  return source;
}

/// A template that cannot be run here is exported all the same: its users may do without us.
std::string terminator_of(const TemplateSources& sources, const Tokenizer& tokenizer) {
  try {
    return choose_chat_template({}, sources, tokenizer)->terminator();
  } catch (const Error& error) {
    log_warning(
        format("export: {} It is written as it is; what ends a turn is not known.", error.what()));
    return "";
  }
}

}  // namespace

ChatTemplateSource find_chat_template(const ChatTemplateSearch& search,
                                      const Tokenizer& tokenizer) {
  const auto sources = read_template_sources(search.model);
  if (!search.configured.empty()) {
    ChatTemplateOptions options;
    options.chat_template = search.configured;
    return exported_source_of(*choose_chat_template(options, sources, tokenizer));
  }
  if (search.adapter)
    if (const auto own = read_template_sources(*search.adapter); own.has_default())
      return exported_source_of(*choose_chat_template({}, own, tokenizer));
  if (sources.standard.empty() && !sources.recorded.empty())
    return exported_source_of(*choose_chat_template({}, sources, tokenizer));
  ChatTemplateSource source;
  source.jinja = sources.standard;
  source.named = sources.named;
  if (!source.jinja.empty()) source.terminator = terminator_of(sources, tokenizer);
  return source;
}

}  // namespace sqpsych
