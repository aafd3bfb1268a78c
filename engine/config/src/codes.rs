//! The codes of this room, each with its meaning in one line.

use diags::Code;

macro_rules! codes {
    ($($name:ident = $code:literal: $meaning:literal,)*) => {
        $(#[doc = $meaning] pub const $name: Code = Code($code);)*

        /// Every code of this room with its meaning, in order.
        pub const TABLE: &[(Code, &str)] = &[$((Code($code), $meaning),)*];
    };
}

codes! {
    UNREADABLE = "E0101": "A file or directory could not be read.",
    NOT_UTF8 = "E0102": "A file is not UTF-8 text.",
    EMPTY_DIR = "E0103": "A directory holds no configuration.",
    BAD_CHARACTER = "E0104": "A character cannot stand where it stands.",
    UNCLOSED_STRING = "E0105": "A quoted string does not end on its line.",
    UNCLOSED = "E0106": "A block, bracket, interpolation or comment is never closed.",
    WRONG_CLOSER = "E0107": "A closing bracket has no opening one, or the wrong one.",
    HEREDOC = "E0108": "A heredoc does not begin or end as it should.",
    MALFORMED_ITEM = "E0109": "An argument or a block is not written as one.",
    MALFORMED_EXPRESSION = "E0110": "An expression cannot be understood.",
    BAD_NUMBER = "E0111": "A number is not written as one, or is too long.",
    TOO_DEEP = "E0112": "Something is nested or chained too deeply.",
    BAD_TEMPLATE = "E0113": "A string holds a bad escape, interpolation or directive.",
    MERGE_CONFLICT = "E0114": "A file holds the markers of an unresolved merge.",
    FOREIGN_WORD = "E0115": "A word of another language stands for `true`, `false` or `null`.",
    ONE_LINE_BLOCK = "E0116": "A block on one line holds more than one argument.",
    DUPLICATE_KEY = "E0117": "An object has the same key twice.",
    TOO_MANY_ERRORS = "E0118": "A file has so many syntax errors that the rest is not shown.",
    UNKNOWN_BLOCK = "E0120": "A block's type is unknown.",
    NOT_YET = "E0121": "A block or argument belongs to a version of the language that is not this one.",
    LABELS = "E0122": "A block has too few or too many labels.",
    NOT_AN_IDENTIFIER = "E0123": "A label or name is not an identifier.",
    DUPLICATE = "E0124": "Something is declared twice.",
    DUPLICATE_ARGUMENT = "E0125": "An argument is set twice in one block.",
    UNKNOWN_ARGUMENT = "E0126": "A block has an argument or a nested block that it does not know.",
    MISSING_ARGUMENT = "E0127": "A required argument is missing.",
    OUTSIDE_BLOCK = "E0129": "An argument stands outside of a block.",
    COUNT_AND_FOR_EACH = "E0130": "Both `count` and `for_each` are set.",
    NOT_CONSTANT = "E0131": "A value must be a constant.",
    BAD_TYPE = "E0132": "A type expression is not one.",
    BAD_DEPENDS_ON = "E0133": "`depends_on` holds something else than references.",
    BAD_IGNORE_CHANGES = "E0134": "`ignore_changes` holds something else than arguments.",
    ROOT_ONLY = "E0135": "A block may stand in the root module only.",
    RESERVED_NAME = "E0136": "A variable has the name of an argument that every module call has.",
    STATE_PLACE = "E0137": "The state is to be kept where it cannot be.",
    NOT_LOCAL = "E0140": "A module's source is not a local directory.",
    NO_MODULE = "E0141": "A module's directory cannot be read or is empty.",
    MODULE_CYCLE = "E0142": "A module calls itself.",
    TOO_MANY_MODULES = "E0143": "Calls of modules unfold to too many modules.",
    BAD_YAML = "E0144": "A file of YAML cannot be read, or holds something else than objects.",
    BAD_ADDRESS = "E0145": "`moved`, `removed` or `import` names no address that fits.",
    BAD_TRIGGER = "E0146": "`replace_triggered_by` holds something else than references to resources.",
    ENABLED_AND_REPEATED = "E0147": "Both `enabled` and `count` or `for_each` are set.",
    BAD_OVERRIDE = "E0148": "A file of overrides says something that overrides nothing.",
    BAD_JSON = "E0149": "A file of JSON is none, or does not hold blocks.",
}
