//! The codes of this room, each with its meaning in one line.

use diags::Code;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal,)*) => {
        $($(#[doc = $doc])+ pub const $name: Code = Code($code);)*

        /// Every code of this room with its meaning, in order.
        pub const TABLE: &[(Code, &str)] = &[$((Code($code), concat!($($doc),+)),)*];
    };
}

codes! {
    /// A file or directory could not be read.
    UNREADABLE = "E0101",
    /// A file is not UTF-8 text.
    NOT_UTF8 = "E0102",
    /// A directory holds no configuration.
    EMPTY_DIR = "E0103",
    /// A character cannot stand where it stands.
    BAD_CHARACTER = "E0104",
    /// A quoted string does not end on its line.
    UNCLOSED_STRING = "E0105",
    /// A block, bracket, interpolation or comment is never closed.
    UNCLOSED = "E0106",
    /// A closing bracket has no opening one, or the wrong one.
    WRONG_CLOSER = "E0107",
    /// A heredoc does not begin or end as it should.
    HEREDOC = "E0108",
    /// An argument or a block is not written as one.
    MALFORMED_ITEM = "E0109",
    /// An expression cannot be understood.
    MALFORMED_EXPRESSION = "E0110",
    /// A number is not written as one, or is too long.
    BAD_NUMBER = "E0111",
    /// Something is nested or chained too deeply.
    TOO_DEEP = "E0112",
    /// A string holds a bad escape, interpolation or directive.
    BAD_TEMPLATE = "E0113",
    /// A file holds the markers of an unresolved merge.
    MERGE_CONFLICT = "E0114",
    /// A word of another language stands for `true`, `false` or `null`.
    FOREIGN_WORD = "E0115",
    /// A block on one line holds more than one argument.
    ONE_LINE_BLOCK = "E0116",
    /// An object has the same key twice.
    DUPLICATE_KEY = "E0117",
    /// A file has so many syntax errors that the rest is not shown.
    TOO_MANY_ERRORS = "E0118",
    /// A block's type is unknown.
    UNKNOWN_BLOCK = "E0120",
    /// A block or argument belongs to a version of the language that is not this one.
    NOT_YET = "E0121",
    /// A block has too few or too many labels.
    LABELS = "E0122",
    /// A label or name is not an identifier.
    NOT_AN_IDENTIFIER = "E0123",
    /// Something is declared twice.
    DUPLICATE = "E0124",
    /// An argument is set twice in one block.
    DUPLICATE_ARGUMENT = "E0125",
    /// A block has an argument or a nested block that it does not know.
    UNKNOWN_ARGUMENT = "E0126",
    /// A required argument is missing.
    MISSING_ARGUMENT = "E0127",
    /// An argument stands outside of a block.
    OUTSIDE_BLOCK = "E0129",
    /// Both `count` and `for_each` are set.
    COUNT_AND_FOR_EACH = "E0130",
    /// A value must be a constant.
    NOT_CONSTANT = "E0131",
    /// A type expression is not one.
    BAD_TYPE = "E0132",
    /// `depends_on` holds something else than references.
    BAD_DEPENDS_ON = "E0133",
    /// `ignore_changes` holds something else than arguments.
    BAD_IGNORE_CHANGES = "E0134",
    /// A block may stand in the root module only.
    ROOT_ONLY = "E0135",
    /// A variable has the name of an argument that every module call has.
    RESERVED_NAME = "E0136",
    /// A module's source is not a local directory.
    NOT_LOCAL = "E0140",
    /// A module's directory cannot be read or is empty.
    NO_MODULE = "E0141",
    /// A module calls itself.
    MODULE_CYCLE = "E0142",
    /// Calls of modules unfold to too many modules.
    TOO_MANY_MODULES = "E0143",
}
