//! The kinds of problems that this crate reports, one line each.

use diags::Code;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal;)+) => {
        $($(#[doc = $doc])+ pub const $name: Code = Code($code);)+

        /// Every code with its meaning, for the page of each.
        pub const ALL: &[(Code, &str)] = &[$(($name, concat!($($doc),+))),+];
    };
}

codes! {
    /// No resource type or data source has this name.
    UNKNOWN_TYPE = "E0201";
    /// The type has no argument or nested block of this name.
    UNKNOWN_ARGUMENT = "E0202";
    /// An argument that must be given is missing or null.
    MISSING_ARGUMENT = "E0203";
    /// An argument is set that only the world decides.
    COMPUTED_ARGUMENT = "E0204";
    /// A block stands where an argument is meant, or the other way round, or twice.
    WRONG_FORM = "E0205";
    /// The value of an argument does not fit its type.
    WRONG_VALUE = "E0206";
    /// A reference leads to nothing that is declared.
    UNDECLARED = "E0207";
    /// The object that a reference leads to has no such attribute.
    UNKNOWN_ATTRIBUTE = "E0208";
    /// A reference names nothing that a reference can name here.
    BAD_REFERENCE = "E0209";
    /// `each` or `count` is used where nothing repeats that way.
    NOT_REPEATED = "E0210";
    /// No function has this name.
    UNKNOWN_FUNCTION = "E0211";
    /// A function got too few or too many arguments.
    ARGUMENT_COUNT = "E0212";
    /// A function cannot do what it was asked to.
    FUNCTION_FAILED = "E0213";
    /// Declared things need each other in a circle.
    CYCLE = "E0214";
    /// An operator got a value of the wrong kind.
    WRONG_OPERAND = "E0215";
    /// A calculation has no result, such as a division by zero.
    NO_RESULT = "E0216";
    /// An index or key leads to nothing.
    BAD_INDEX = "E0217";
    /// A value cannot become part of a text.
    NOT_TEXT = "E0218";
    /// Something is asked of null.
    NULL = "E0219";
    /// A `for` goes over something else than a list or an object, or makes a key twice.
    BAD_FOR = "E0220";
    /// The condition is no bool, or the two results are of different kinds.
    BAD_CONDITIONAL = "E0221";
    /// `count` or `for_each` has a value that cannot repeat anything.
    BAD_REPEAT = "E0222";
    /// `count` or `for_each` depends on something that is known only after apply.
    UNKNOWN_REPEAT = "E0223";
    /// `count` or `for_each` would show a sensitive value in addresses.
    SENSITIVE_REPEAT = "E0224";
    /// A variable of the root module has no value.
    MISSING_VARIABLE = "E0225";
    /// A variable got a value that does not fit its type.
    WRONG_VARIABLE = "E0226";
    /// A value is given for a variable that is not declared.
    UNDECLARED_VARIABLE = "E0227";
    /// An output shows a sensitive value without saying so.
    SENSITIVE_OUTPUT = "E0228";
    /// A place that allows only variables and locals refers to a resource.
    EARLY_REFERENCE = "E0229";
    /// An argument of `lifecycle` cannot be used like this.
    BAD_LIFECYCLE = "E0231";
    /// Which files are meant is known too late to read them.
    LATE_FILES = "E0232";
    /// A condition that the configuration sets does not hold.
    CONDITION_FAILED = "E0233";
    /// A condition is neither true nor false.
    BAD_CONDITION = "E0234";
    /// What a `check` block asserts does not hold.
    CHECK_FAILED = "E0235";
    /// What a `moved` or `removed` block speaks of is still declared.
    STILL_DECLARED = "E0236";
    /// A part of an `import` block has a value that names nothing.
    BAD_IMPORT = "E0237";
    /// An ephemeral value would get into a plan or the state.
    EPHEMERAL = "E0238";
    /// What decides which modules are read, or where the state is, is known too late or unfit.
    NOT_EARLY = "E0239";
    /// A value, or how often modules are called, grows beyond what anybody can look at.
    TOO_LARGE = "E0240";
    /// A validation does not look at its variable.
    BLIND_VALIDATION = "E0241";
}
