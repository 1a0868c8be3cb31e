package org.imsg.bench.soak;

import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;

/** Has the JVM open the files of the fonts that charts are written in, which it keeps open. */
public final class FontsOpened implements Runnable {
    /** For the warm-up of the tests. */
    public FontsOpened() {}

    @Override
    public void run() {
        Graphics2D picture = new BufferedImage(50, 50, BufferedImage.TYPE_INT_RGB).createGraphics();
        for (int style : new int[]{Font.PLAIN, Font.BOLD}) {
            picture.setFont(new Font(Font.SANS_SERIF, style, 12));
            picture.drawString("chart", 0, 20);
        }
        picture.dispose();
    }
}
