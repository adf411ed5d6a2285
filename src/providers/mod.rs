//! providers: to be filled.
