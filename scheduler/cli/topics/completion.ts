/** `dexter help completion` */
import { filled, type Topic } from "./topic.ts";

export const completion: Topic = {
  name: "completion",
  summary: "the Tab key in bash, zsh and fish",
  text: ({ width }) =>
    filled(
      `
"dexter completion <shell>" prints a script. With it, a shell completes commands, options, directives of --set, environments
of the configuration, and names of functions that run here:

  source <(dexter completion bash)       # in ~/.bashrc
  source <(dexter completion zsh)        # in ~/.zshrc, after compinit
  dexter completion fish > ~/.config/fish/completions/dexter.fish

The script asks dexter itself, so it stays valid when dexter is upgraded. It completes the command dexter, found by PATH or
given with its path; it does not complete npx.`,
      width,
    ),
};
