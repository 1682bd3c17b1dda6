// What asks and tells: native dialogs, which keep the keyboard inside and close with Escape.
import { KEYS } from "./keys.js";

export const Ask = {
  props: ["title", "confirm", "input"],
  emits: ["close", "confirm"],
  template: `
  <dialog ref="box" class="dlc-dialog" @close="$emit('close')" @keydown.stop>
    <form method="dialog" @submit.prevent="$emit('confirm', text)"><h2>{{ title }}</h2><p><slot/></p>
      <input v-if="input" v-model="text" :placeholder="input" :aria-label="input" autofocus>
      <footer><button type="button" class="flat" @click="$refs.box.close()">Cancel</button>
        <button type="submit" class="main" :disabled="input && !text.trim()">{{ confirm }}</button></footer></form>
  </dialog>`,
  data: () => ({ text: "" }),
  mounted() { this.$refs.box.showModal(); },
};

export const Help = {
  props: ["kind"],
  emits: ["close"],
  template: `
  <dialog ref="box" class="dlc-dialog wide" @close="$emit('close')" @keydown.stop><h2>Keys and mouse</h2>
    <table><tbody><tr v-for="[key, what] in rows" :key="key"><th>{{ key }}</th><td>{{ what }}</td></tr></tbody></table>
    <footer><button class="main" @click="$refs.box.close()" autofocus>Close</button></footer></dialog>`,
  computed: { rows() { return KEYS.filter((row) => row[2] === "both" || row[2] === this.kind); } },
  mounted() { this.$refs.box.showModal(); },
};

export const Conflict = {
  props: ["conflict"],
  emits: ["choose"],
  template: `
  <div class="dlc-conflict" role="alertdialog" aria-label="Two edits of one frame"><h2>{{ conflict.file }} was changed elsewhere</h2>
    <table><tbody><tr><th></th><th>there now (square)</th><th>yours</th></tr>
      <tr v-for="c in conflict.parts" :key="c.part"><th>{{ c.part }}</th><td>{{ show(c.theirs) }}</td><td>{{ show(c.mine) }}</td></tr></tbody></table>
    <footer><button @click="$emit('choose', false)">Keep theirs</button><button class="main" @click="$emit('choose', true)">Use mine</button></footer></div>`,
  methods: { show(p) { return p ? `${p[0].toFixed(1)}, ${p[1].toFixed(1)}` : "removed"; } },
};

export const Suspects = {
  props: ["suspects", "at"],
  emits: ["go"],
  template: `
  <section class="dlc-suspects"><h2>Doubtful labels <small>n, p: next, previous</small></h2><ol>
    <li v-for="(s, i) in suspects" :key="i"><button :class="{chosen: i === at}" @click="$emit('go', i)">
      <b>{{ s.bodypart || "whole frame" }}</b> {{ s.image.split("/").slice(-2).join("/") }}<small>{{ s.reason }}</small></button></li></ol></section>`,
};
