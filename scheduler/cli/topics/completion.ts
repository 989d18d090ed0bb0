/** `dexter help completion` */
import { filled, type Topic } from "./topic.ts";

export const completion: Topic = {
  name: "completion",
  summary: "the Tab key in bash, zsh and fish",
  text: ({ width }) =>
    filled(
      `
"dexter completion <shell>" prints what makes a shell complete commands, options, directives of --set, environments of the
configuration, and names of functions that run here:

  source <(dexter completion bash)       # in ~/.bashrc
  source <(dexter completion zsh)        # in ~/.zshrc, after compinit
  dexter completion fish > ~/.config/fish/completions/dexter.fish

The script asks dexter itself, so it need not be made again for another version. The command must be dexter, found by PATH
or given with its path: npx is not completed.`,
      width,
    ),
};
