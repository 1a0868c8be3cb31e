'use strict';
// Everything that a peer sent reaches the document as text content only.
document.addEventListener('DOMContentLoaded', () => {
    const ROW = 26, FIRST = 170, MARGIN = 60, AROUND = 8;
    const by = id => document.getElementById(id);
    const make = (name, className, text) => {
        const element = document.createElement(name);
        element.className = className || '';
        if (text !== undefined)
            element.textContent = text;
        return element;
    };
    const all = JSON.parse(by('events').textContent);
    const ended = all.length > 0 && all[all.length - 1].kind === 'closed';
    const live = document.documentElement.dataset.live === 'true' && !ended;
    const events = all.filter(event => event.kind !== 'closed');
    const diagram = by('diagram'), rows = by('rows'), details = by('details');

    // Each event is a row, and so is each descriptor.
    const lines = [];
    for (const event of events) {
        lines.push({event});
        for (const descriptor of event.descriptors || [])
            lines.push({event, descriptor});
    }
    const clients = [...new Set(events.map(event => event.connection).filter(one => one > 0))].sort((a, b) => a - b);
    const gap = Math.max(70, Math.round(560 / Math.max(1, clients.length)));
    const daemon = FIRST + Math.max(1, clients.length) * gap;
    const lane = new Map(clients.map((client, index) => [client, FIRST + index * gap]));
    const width = daemon + MARGIN;

    const typeOf = event => event.name ? event.type + ' ' + event.name : String(event.type);
    function words(line) {
        const event = line.event;
        if (line.descriptor !== undefined)
            return 'descriptor ' + line.descriptor;
        if (event.kind === 'message')
            return typeOf(event) + (event.id ? ', id ' + event.id : '') + ', ' + event.length + ' bytes'
                + (event.fault ? ': ' + event.fault : '');
        if (event.kind === 'bytes')
            return event.bytes.length / 2 + ' bytes' + (event.note ? ': ' + event.note : '');
        return event.kind === 'end' ? 'end of stream' : event.note || '';
    }
    function letters(hex) {
        let text = '';
        for (let at = 0; at < hex.length; at += 2) {
            const code = parseInt(hex.slice(at, at + 2), 16);
            text += code >= 32 && code < 127 ? String.fromCharCode(code) : '.';
        }
        return text;
    }
    function haystack(line) {
        if (line.searched === undefined)
            line.searched = (words(line) + ' ' + JSON.stringify(line.event) + ' ' + letters(line.event.payload || line.event.bytes || ''))
                .toLowerCase();
        return line.searched;
    }

    let shown = lines, chosen = -1, needle = '', printing = false;

    function rowOf(index) {
        const line = shown[index], event = line.event;
        const row = make('div', 'row ' + event.kind + ' ' + (event.direction || ''));
        row.id = 'row' + index;
        row.setAttribute('role', 'option');
        row.setAttribute('aria-selected', index === chosen);
        row.setAttribute('aria-setsize', shown.length);
        row.setAttribute('aria-posinset', index + 1);
        row.classList.toggle('descriptor', line.descriptor !== undefined);
        row.classList.toggle('fault', Boolean(event.fault) && line.descriptor === undefined);
        row.classList.toggle('chosen', index === chosen);
        row.classList.toggle('found', needle !== '' && haystack(line).includes(needle));
        row.style.top = index * ROW + 'px';
        row.append(make('time', '', line.descriptor === undefined ? event.time.toFixed(6) : ''));
        const from = lane.get(event.connection) ?? FIRST;
        if (event.direction) {
            const arrow = make('span', 'arrow ' + (event.direction === 'to-server' ? 'right' : 'left'));
            arrow.style.left = from + 'px';
            arrow.style.width = daemon - from + 'px';
            row.append(arrow);
        }
        const label = make('span', 'label', words(line));
        label.style.left = from + 14 + 'px';
        row.append(label);
        return row;
    }

    function draw() {
        const top = Math.max(0, diagram.scrollTop - 28);
        const first = printing ? 0 : Math.max(0, Math.floor(top / ROW) - AROUND);
        const last = printing ? shown.length : Math.min(shown.length, Math.ceil((top + diagram.clientHeight) / ROW) + AROUND);
        const left = diagram.scrollLeft - gap, right = diagram.scrollLeft + diagram.clientWidth + gap;
        const parts = [daemon, ...lane.values()].filter(x => printing || x >= left && x <= right).map(x => {
            const life = make('div', 'life');
            life.style.left = x + 'px';
            return life;
        });
        for (let index = first; index < last; index++)
            parts.push(rowOf(index));
        rows.replaceChildren(...parts);
        rows.style.height = shown.length * ROW + 'px';
        if (chosen >= first && chosen < last)
            diagram.setAttribute('aria-activedescendant', 'row' + chosen);
        else
            diagram.removeAttribute('aria-activedescendant');
    }

    function choose(index) {
        if (shown.length === 0)
            return;
        chosen = Math.min(shown.length - 1, Math.max(0, index));
        const top = chosen * ROW, height = diagram.clientHeight - 28;
        if (top < diagram.scrollTop)
            diagram.scrollTop = top;
        else if (top + ROW > diagram.scrollTop + height)
            diagram.scrollTop = top + ROW - height;
        draw();
        if (!details.hidden)
            tell();
    }

    function addFields(table, value, name) {
        if (value !== null && typeof value === 'object') {
            for (const key of Object.keys(value))
                addFields(table, value[key], Array.isArray(value) ? name + '[' + key + ']' : name ? name + '.' + key : key);
            return;
        }
        const row = table.insertRow();
        row.append(make('th', '', name), make('td', '', String(value)));
    }

    function dump(hex) {
        const text = [];
        for (let at = 0; at < hex.length; at += 32) {
            const part = hex.slice(at, at + 32);
            text.push((at / 2).toString(16).padStart(4, '0') + '  ' + part.match(/../g).join(' ').padEnd(48) + '|' + letters(part) + '|');
        }
        return text.join('\n');
    }

    /** The details of the chosen event. */
    function tell() {
        const line = shown[chosen];
        if (!line)
            return;
        const event = line.event, head = {}, parts = [make('h2', event.fault ? 'fault' : '', words(line))];
        for (const key of ['time', 'connection', 'direction', 'type', 'name', 'id', 'pid', 'length', 'format', 'marked',
                'descriptors', 'note', 'fault', 'struct'])
            if (event[key] !== undefined)
                head[key] = event[key];
        for (const one of [head, event.fields || {}]) {
            const table = make('table');
            addFields(table, one, '');
            if (table.rows.length > 0)
                parts.push(table);
        }
        const bytes = event.payload || event.bytes;
        if (bytes)
            parts.push(make('pre', '', dump(bytes)));
        details.replaceChildren(...parts);
        details.hidden = false;
    }

    function next(step, wanted) {
        for (let index = chosen + step; index >= 0 && index < shown.length; index += step)
            if (wanted(shown[index])) {
                choose(index);
                return;
            }
    }
    const nextMatch = step => needle && next(step, line => haystack(line).includes(needle));

    function filter() {
        const kept = shown[chosen], type = by('type').value, connection = by('connection').value, faults = by('faults').checked;
        shown = lines.filter(({event}) => (!type || event.kind === 'message' && typeOf(event) === type)
            && (!connection || String(event.connection) === connection) && (!faults || event.fault));
        needle = by('search').value.toLowerCase();
        by('matches').value = needle ? shown.filter(line => haystack(line).includes(needle)).length + ' found' : '';
        by('count').value = new Set(shown.map(line => line.event)).size + ' of ' + events.length + ' events';
        chosen = kept ? shown.indexOf(kept) : -1;
        if (chosen < 0)
            details.hidden = true;
        draw();
    }

    const keys = {
        ArrowDown: () => choose(chosen + 1), ArrowUp: () => choose(chosen - 1),
        PageDown: () => choose(chosen + 20), PageUp: () => choose(chosen - 20),
        Home: () => choose(0), End: () => choose(shown.length - 1),
        Enter: () => tell(), ' ': () => tell(),
        n: () => nextMatch(1), N: () => nextMatch(-1), f: () => next(1, line => line.event.fault && line.descriptor === undefined),
        Escape: () => { details.hidden = true; diagram.focus(); }
    };
    document.addEventListener('keydown', event => {
        if (event.ctrlKey || event.altKey || event.metaKey)
            return;
        const target = event.target, control = target.closest('input, select, button');
        if (control) {
            if (event.key === 'Escape' || event.key === 'Enter' && target.id === 'search') {
                event.preventDefault();
                diagram.focus();
                if (event.key === 'Enter')
                    nextMatch(1);
            }
            return;
        }
        if (event.key === '/') {
            event.preventDefault();
            by('search').focus();
        } else if (Object.hasOwn(keys, event.key)) {
            event.preventDefault();
            keys[event.key]();
        }
    });
    rows.addEventListener('click', event => {
        const row = event.target.closest('.row');
        if (!row)
            return;
        diagram.focus({preventScroll: true});
        choose(Number(row.id.slice(3)));
        tell();
    });
    diagram.addEventListener('scroll', () => requestAnimationFrame(draw));
    addEventListener('resize', draw);
    addEventListener('beforeprint', () => { printing = true; draw(); });
    addEventListener('afterprint', () => { printing = false; draw(); });
    by('filter').addEventListener('input', filter);
    by('filter').addEventListener('submit', event => event.preventDefault());
    by('theme').addEventListener('click', () => {
        const root = document.documentElement;
        const dark = root.className ? root.className === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
        root.className = dark ? 'light' : 'dark';
    });

    const option = (select, value) => {
        const one = make('option', '', value);
        one.value = value;
        select.append(one);
    };
    const types = new Map(events.filter(event => event.kind === 'message').map(event => [typeOf(event), event.type]));
    [...types.keys()].sort((a, b) => types.get(a) - types.get(b)).forEach(type => option(by('type'), type));
    clients.forEach(client => option(by('connection'), String(client)));
    rows.style.width = by('lanes').style.width = width + 'px';
    const heading = (x, text) => {
        const span = make('span', '', text);
        span.style.left = x + 'px';
        by('lanes').append(span);
    };
    heading(40, 'seconds');
    lane.forEach((x, client) => heading(x, clients.length > 6 ? String(client) : 'client ' + client));
    heading(daemon, 'daemon');
    const kept = history.state;
    if (kept)
        for (const [id, value] of Object.entries(kept.controls))
            by(id)[typeof value === 'boolean' ? 'checked' : 'value'] = value;
    filter();
    if (live) {
        by('live').parentElement.hidden = false;
        setInterval(() => {
            if (!by('live').checked)
                return;
            const controls = {live: true, faults: by('faults').checked};
            for (const id of ['search', 'type', 'connection'])
                controls[id] = by(id).value;
            history.replaceState({controls, chosen, details: !details.hidden, scroll: diagram.scrollTop,
                end: diagram.scrollTop + diagram.clientHeight >= diagram.scrollHeight - ROW}, '');
            location.reload();
        }, 2000);
    }
    if (kept) {
        if (kept.chosen >= 0)
            choose(kept.chosen);
        if (kept.details)
            tell();
        diagram.scrollTop = kept.end ? diagram.scrollHeight : kept.scroll;
        draw();
    }
});
