#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/fields.h"
#include "core/files.h"
#include "core/json.h"
#include "evaluate/reports/page.h"

namespace sqpsych {

struct ReportSettings {
  std::int64_t samples = 0;
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("samples", samples,
          "sample sessions and replies to show, with their text; 0 shows numbers only",
          between(0, 100));
  }
};

struct ReportConfig {
  std::string title = "sqpsych report";
  ReportSettings report;
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("title", title, "heading of the page", any_value());
    visit("report", report, "what the page may show", any_value());
  }
};

/// One output of a command: a folder, or a single file such as a GGUF model.
struct ReportSource {
  std::filesystem::path path;
  Json manifest = Json::object();  ///< of the folder; empty when there is none

  bool has(const std::string& file) const { return std::filesystem::exists(path / file); }
};

/// What a page shows of one kind of output: one file, no header.
class Report {
 public:
  virtual ~Report() = default;
  virtual std::string name() const = 0;
  /// Files by which this kind is recognised, for messages.
  virtual std::string recognised_by() const = 0;
  virtual bool knows(const ReportSource& source) const = 0;
  virtual void write(const ReportSource& source, const ReportSettings& settings,
                     Page& page) const = 0;
};

/// All kinds in the order of the pipeline.
std::vector<const Report*> reports();

struct ReportRequest {
  std::vector<std::filesystem::path> sources;
  ReportConfig config;
  std::filesystem::path output;
  Existing existing = Existing::kRefuse;
  bool check_only = false;  ///< looks at the sources and writes nothing
};

/// Writes one self-contained page about all sources, in the order of the pipeline. ConfigError
/// names a source that no kind knows. Text of sessions and replies is shown only with
/// report.samples; such a page is readable by its owner only.
void write_report(const ReportRequest& request);

}  // namespace sqpsych
