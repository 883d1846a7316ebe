//! The whole, from outside: what no single crate can show about itself.
