/** The npm package `workerd`, which brings no types. It is CommonJS, so its default export is all of it. */
declare module "workerd" {
  /** The newest compatibility date that the package vouches for, `YYYY-MM-DD`. */
  export const compatibilityDate: string;
  export const version: string;
  const workerd: {
    /** Path of the native binary. */
    readonly default: string;
    readonly compatibilityDate: string;
    readonly version: string;
  };
  export default workerd;
}
