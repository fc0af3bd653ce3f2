declare const brand: unique symbol;

/** A type that only its own module makes: what has it was checked. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };
