#include "data/packing/windows.h"

#include <algorithm>

#include "core/text.h"

namespace sqpsych {

namespace {

std::size_t first_supervised(const TokenizedRow& row) {
  const auto found = std::find(row.supervised.begin(), row.supervised.end(), 1);
  return static_cast<std::size_t>(found - row.supervised.begin());
}

/// Position behind the last supervised token.
std::size_t behind_supervised(const TokenizedRow& row) {
  const auto found = std::find(row.supervised.rbegin(), row.supervised.rend(), 1);
  return static_cast<std::size_t>(row.supervised.rend() - found);
}

std::size_t share_of(std::size_t tokens, double share) {
  return static_cast<std::size_t>(static_cast<double>(tokens) * share);
}

/// The largest number in [low, high] for which `fits` holds, given that it holds for `low` and that
/// it holds for every smaller one.
template <class Fits>
std::size_t largest(std::size_t low, std::size_t high, const Fits& fits) {
  while (low < high) {
    const std::size_t middle = low + (high - low + 1) / 2;
    if (fits(middle))
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

/// `context` unsupervised tokens, then tokens [begin, end) of `source`, all behind `head`.
TokenizedRow slice(const std::vector<TokenId>& head, const TokenizedRow& source,
                   std::size_t context, std::size_t begin, std::size_t end) {
  TokenizedRow part;
  part.ids = head;
  part.ids.insert(part.ids.end(), source.ids.begin() + static_cast<std::ptrdiff_t>(begin - context),
                  source.ids.begin() + static_cast<std::ptrdiff_t>(end));
  part.supervised.assign(head.size() + context, 0);
  part.supervised.insert(part.supervised.end(),
                         source.supervised.begin() + static_cast<std::ptrdiff_t>(begin),
                         source.supervised.begin() + static_cast<std::ptrdiff_t>(end));
  return part;
}

/// Collects windows in the order of their loss and knows what of the whole row each of them lacks.
class WindowList {
 public:
  explicit WindowList(const TokenizedRow& whole) {
    for (std::size_t i = 0; i < whole.ids.size(); ++i)
      if (whole.supervised[i]) supervised_positions_.push_back(i);
  }

  void add(TokenizedRow row, bool splits_reply) {
    const std::size_t next = std::min(emitted_, supervised_positions_.size() - 1);
    const auto before = static_cast<std::int64_t>(supervised_positions_[next]);
    const auto shown = static_cast<std::int64_t>(first_supervised(row));
    emitted_ += static_cast<std::size_t>(count_supervised(row));
    windows_.push_back({std::move(row), std::max<std::int64_t>(0, before - shown), splits_reply});
  }
  std::vector<RowWindow> take() { return std::move(windows_); }

 private:
  std::vector<std::size_t> supervised_positions_;
  std::size_t emitted_ = 0;
  std::vector<RowWindow> windows_;
};

/// Messages [begin, end): what was asked, then what was replied. Windows start at blocks.
struct Block {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool supervised = false;
};

class ChatCutter {
 public:
  ChatCutter(const DatasetRow& row, const TokenizedRow& whole, const Tokenizer& tokenizer,
             const ChatTemplate& chat_template, const RowPlanOptions& options)
      : row_(row),
        tokenizer_(tokenizer),
        template_(chat_template),
        max_length_(static_cast<std::size_t>(options.max_length)),
        context_share_(options.window_context),
        windows_(whole) {
    for (const auto& message : row.messages) {
      if (message.role != "system") break;
      system_.push_back(message);
      system_tokens_ += tokenizer.encode_ids(message.content, false).size();
    }
    find_blocks();
    estimate_lengths();
  }

  std::vector<RowWindow> cut() {
    for (std::size_t next = 0; next < blocks_.size(); ++next) {
      if (!blocks_[next].supervised) continue;
      if (base_tokens_ + block_tokens_[next] <= max_length_)
        next = add_window(next);
      else
        split_block(blocks_[next]);
    }
    return windows_.take();
  }

 private:
  void find_blocks() {
    for (std::size_t i = system_.size(); i < row_.messages.size(); ++i) {
      const bool reply = row_.messages[i].role == "assistant";
      const bool after_reply = i > 0 && row_.messages[i - 1].role == "assistant";
      if (blocks_.empty() || (!reply && after_reply)) blocks_.push_back({i, i, false});
      blocks_.back().end = i + 1;
      blocks_.back().supervised |= counts_in_loss(row_.messages[i]);
    }
  }

  TokenizedRow tokenize(const Conversation& messages) const {
    return tokenize_conversation(tokenizer_, template_, messages, false);
  }

  /// System, then blocks start..last; the loss begins with block `first`.
  TokenizedRow tokenize(std::size_t start, std::size_t first, std::size_t last) const {
    Conversation part = system_;
    for (std::size_t i = blocks_[start].begin; i < blocks_[last].end; ++i) {
      part.push_back(row_.messages[i]);
      if (i < blocks_[first].begin && part.back().role == "assistant") part.back().weight = 0;
    }
    return tokenize(part);
  }
  std::size_t length(std::size_t start, std::size_t first, std::size_t last) const {
    return tokenize(start, first, last).ids.size();
  }

  /// Tokens of each block and of what stands in front of all (system, BOS); exact up to pieces that
  /// merge at the seams, so every window is counted again before it is taken.
  void estimate_lengths() {
    for (std::size_t i = 0; i < blocks_.size(); ++i) block_tokens_.push_back(length(i, i, i));
    base_tokens_ = system_tokens_;
    if (blocks_.size() > 1) {
      const auto apart = block_tokens_[0] + block_tokens_[1];
      // Two blocks may be longer together, by what a template writes between messages.
      base_tokens_ = apart - std::min(apart, length(0, 0, 1));
    }
    for (auto& tokens : block_tokens_) tokens -= std::min(tokens, base_tokens_);
  }

  /// Adds the window whose loss starts with block `first`; returns the last block it trains.
  std::size_t add_window(std::size_t first) {
    const std::size_t room = max_length_ - std::min(base_tokens_, max_length_);
    const std::size_t fresh = max_length_ - share_of(room, first == 0 ? 0 : context_share_);
    std::size_t last = first;
    std::size_t tokens = base_tokens_ + block_tokens_[first];
    while (last + 1 < blocks_.size() && tokens + block_tokens_[last + 1] <= fresh)
      tokens += block_tokens_[++last];
    while (last > first && length(first, first, last) > fresh) --last;
    while (!blocks_[last].supervised) --last;
    std::size_t start = first;
    tokens = length(first, first, last);
    while (start > 0 && tokens + block_tokens_[start - 1] <= max_length_)
      tokens += block_tokens_[--start];
    while (start < first && length(start, first, last) > max_length_) ++start;
    windows_.add(tokenize(start, first, last), false);
    return last;
  }

  void split_block(const Block& block) {
    for (std::size_t i = block.begin; i < block.end; ++i)
      if (counts_in_loss(row_.messages[i])) split_reply(block, i);
  }

  /// Cuts one reply between tokens unless it fits as a whole; in front of each part stands what
  /// fits of the reply so far, and before it of the last question's end.
  void split_reply(const Block& block, std::size_t reply) {
    const Message* question = nullptr;
    for (std::size_t i = block.begin; i < reply; ++i)
      if (row_.messages[i].role != "assistant") question = &row_.messages[i];
    const TokenizedRow bare = tokenize(exchange(question, "", reply));
    const std::size_t head = first_supervised(bare);
    need_room(head);
    const std::size_t room = max_length_ - head;
    const std::size_t reply_tokens = behind_supervised(bare) - head;
    const bool whole = reply_tokens <= room;
    const std::size_t step =
        whole ? reply_tokens : std::max<std::size_t>(1, room - share_of(room, context_share_));
    for (std::size_t begin = 0; begin < reply_tokens; begin += step) {
      const std::size_t end = std::min(begin + step, reply_tokens);
      const std::size_t context = std::min(begin, room - (end - begin));
      const std::size_t head_room = context == begin ? max_length_ - end : head;
      windows_.add(
          slice(question_head(question, reply, head_room), bare, context, head + begin, head + end),
          !whole);
    }
  }

  Conversation exchange(const Message* question, const std::string& text, std::size_t reply) const {
    Conversation part = system_;
    if (question) part.push_back({question->role, text, std::nullopt});
    part.push_back(row_.messages[reply]);
    return part;
  }

  /// The tokens in front of a reply, with as much of the question's end as `room` holds.
  std::vector<TokenId> question_head(const Message* question, std::size_t reply,
                                     std::size_t room) const {
    const auto head_of = [&](const std::string& text) {
      auto ids = tokenize(exchange(question, text, reply));
      ids.ids.resize(first_supervised(ids));
      return ids.ids;
    };
    if (!question) return head_of("");
    const std::vector<std::size_t> starts = character_starts(question->content);
    const std::size_t kept = largest(0, starts.size(), [&](std::size_t characters) {
      return characters == 0 ||
             head_of(question->content.substr(starts[starts.size() - characters])).size() <= room;
    });
    if (kept == 0) return head_of("");
    return head_of(question->content.substr(starts[starts.size() - kept]));
  }

  static std::vector<std::size_t> character_starts(const std::string& text) {
    std::vector<std::size_t> starts;
    for (std::size_t i = 0; i < text.size(); ++i)
      if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) starts.push_back(i);
    return starts;
  }

  void need_room(std::size_t head) const {
    if (head + 1 < max_length_) return;
    throw ConfigError(format(
        "max_length: row '{}': found {} tokens of system message and markers in front of a reply, "
        "expected fewer than {}. Raise max_length or shorten the system message.",
        row_.id, head, max_length_ - 1));
  }

  const DatasetRow& row_;
  const Tokenizer& tokenizer_;
  const ChatTemplate& template_;
  std::size_t max_length_;
  double context_share_;
  Conversation system_;
  std::size_t system_tokens_ = 0;
  std::vector<Block> blocks_;
  std::vector<std::size_t> block_tokens_;
  std::size_t base_tokens_ = 0;
  WindowList windows_;
};

}  // namespace

std::vector<RowWindow> cut_chat_row(const DatasetRow& row, const TokenizedRow& whole,
                                    const Tokenizer& tokenizer, const ChatTemplate& chat_template,
                                    const RowPlanOptions& options) {
  return ChatCutter(row, whole, tokenizer, chat_template, options).cut();
}

std::vector<RowWindow> cut_raw_row(const TokenizedRow& whole, const Tokenizer& tokenizer,
                                   const RowPlanOptions& options) {
  const std::size_t head = tokenizer.bos() && whole.ids.front() == *tokenizer.bos() ? 1 : 0;
  const std::size_t room = static_cast<std::size_t>(options.max_length) - head;
  const std::size_t step = std::clamp<std::size_t>(room - share_of(room, options.window_context), 1,
                                                   std::max<std::size_t>(1, room + head - 1));
  const std::vector<TokenId> bos(whole.ids.begin(),
                                 whole.ids.begin() + static_cast<std::ptrdiff_t>(head));
  WindowList windows(whole);
  for (std::size_t begin = first_supervised(whole); begin < whole.ids.size();) {
    const std::size_t before = begin - head;
    const bool first = begin == first_supervised(whole);
    const std::size_t fresh = first && before + step < room ? room - before : step;
    const std::size_t end = std::min(begin + fresh, whole.ids.size());
    const std::size_t context = std::min(before, room - (end - begin));
    windows.add(slice(bos, whole, context, begin, end), true);
    begin = end;
  }
  return windows.take();
}

}  // namespace sqpsych
